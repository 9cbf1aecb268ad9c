import type { ClusterFiles } from "./cluster-files.ts";
import type { TreeFile, TreeFolder } from "./walk-tree.ts";

/** A folder, or a range of a file that is being read. The ranges of a file follow each other without gaps. */
export type Piece =
  | { readonly kind: "folder"; readonly folder: TreeFolder }
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
 * `rangeBytes` for each lane, whatever the sizes of files. An empty file is one empty range, which is not read.
 */
export async function* readAhead(
  entries: AsyncIterable<TreeFolder | TreeFile>,
  files: ClusterFiles,
): AsyncGenerator<Piece, void, undefined> {
  const pieces = piecesOf(entries, files);
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
  }
}

async function* piecesOf(
  entries: AsyncIterable<TreeFolder | TreeFile>,
  files: ClusterFiles,
): AsyncGenerator<Piece, void, undefined> {
  for await (const entry of entries) {
    if (entry.kind === "folder") {
      yield { kind: "folder", folder: entry };
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
