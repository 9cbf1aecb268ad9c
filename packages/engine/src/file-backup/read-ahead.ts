import type { ReadableFile } from "@tidemark/repository";
import type { ClusterFiles } from "./cluster-files.ts";
import type { TreeFile, TreeFolder } from "./walk-tree.ts";

/**
 * A folder, an opened file that is to be read by others, or a range of a file that is being read. The ranges of a file
 * follow each other without gaps.
 */
export type Piece =
  | { readonly kind: "folder"; readonly folder: TreeFolder }
  | {
      readonly kind: "opened";
      readonly file: TreeFile;
      /** Null when the file is gone. Whoever takes the piece releases it. */
      readonly opened: Promise<ReadableFile | null>;
    }
  | {
      readonly kind: "range";
      readonly file: TreeFile;
      readonly offset: number;
      readonly lengthBytes: number;
      readonly isLast: boolean;
      /** Fewer bytes than asked for at the file's end; null when the file is gone. */
      readonly bytes: Promise<Uint8Array | null>;
    };

/**
 * The pieces of a tree in its order, several of them being read while the first is used: at most two ranges of
 * `rangeBytes` for each lane, whatever the sizes of files. An empty file is one empty range, which is not read. Files for
 * which `isOpened` are only opened, where that can be.
 */
export async function* readAhead(
  entries: AsyncIterable<TreeFolder | TreeFile>,
  files: ClusterFiles,
  isOpened: (file: TreeFile) => boolean = () => false,
): AsyncGenerator<Piece, void, undefined> {
  const pieces = piecesOf(entries, files, isOpened);
  const ahead: Piece[] = [];
  let isAtEnd = false;
  try {
    for (;;) {
      while (!isAtEnd && ahead.length < files.lanes * rangesPerLane) {
        const next = await pieces.next();
        if (next.done === true) isAtEnd = true;
        else ahead.push(next.value);
      }
      const piece = ahead.shift();
      if (piece === undefined) return;
      yield piece;
    }
  } finally {
    await pieces.return();
    for (const piece of ahead) {
      if (piece.kind === "opened") void piece.opened.then((opened) => opened?.release()).catch(() => undefined);
    }
  }
}

async function* piecesOf(
  entries: AsyncIterable<TreeFolder | TreeFile>,
  files: ClusterFiles,
  isOpened: (file: TreeFile) => boolean,
): AsyncGenerator<Piece, void, undefined> {
  for await (const entry of entries) {
    if (entry.kind === "folder") {
      yield { kind: "folder", folder: entry };
      continue;
    }
    if (files.open !== undefined && isOpened(entry)) {
      const opened = files.open(entry.path);
      // As with a read below.
      opened.catch(() => undefined);
      yield { kind: "opened", file: entry, opened };
      continue;
    }
    for (let offset = 0; offset === 0 || offset < entry.sizeBytes; offset += rangeBytes) {
      const lengthBytes = Math.min(rangeBytes, entry.sizeBytes - offset);
      const bytes =
        lengthBytes === 0 ? Promise.resolve(new Uint8Array(0)) : files.read(entry.path, offset, lengthBytes);
      // Nobody may be waiting yet when a read fails; whoever takes the piece sees it.
      bytes.catch(() => undefined);
      yield { kind: "range", file: entry, offset, lengthBytes, isLast: offset + lengthBytes >= entry.sizeBytes, bytes };
    }
  }
}

/** A whole number of pages of every block size (1 to 32 KiB). */
export const rangeBytes = 1024 * 1024;
const rangesPerLane = 2;
