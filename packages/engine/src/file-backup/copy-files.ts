import { AppError } from "@tidemark/kit";
import type { BackupWriter, FileWriter } from "@tidemark/repository";
import { throwIfCancelled } from "../act.ts";
import type { SuspectList } from "../backup/suspect-list.ts";
import { type ClusterFiles, pathBytes, readablePath } from "./cluster-files.ts";
import type { PageCare } from "./page-care.ts";
import type { RateLimit } from "./rate-limit.ts";
import { type Piece, readAhead } from "./read-ahead.ts";
import type { TreeFile, TreeFolder } from "./walk-tree.ts";

export interface FileCopierParts {
  readonly files: ClusterFiles;
  readonly writer: BackupWriter;
  readonly signal: AbortSignal;
  readonly rate: RateLimit;
  /** Null for a cluster without page checksums. */
  readonly pageCare: PageCare | null;
  readonly suspects: SuspectList;
  readonly onBytes: (bytes: number) => void;
}

export interface CopyOptions {
  /** Called before each file, when nothing of the backup is half written. */
  readonly beforeFile?: (file: TreeFile) => Promise<void>;
  /** Called with the first bytes of each file. */
  readonly onFileHead?: (file: TreeFile, head: Uint8Array) => void;
  /** For files that must not change: called instead of leaving one out or filling it up with zeros. */
  readonly onShort?: (file: TreeFile) => AppError;
}

/**
 * Writes files of a running cluster into a backup the way BASE_BACKUP does (basebackup.c, sendFile): one that is gone is
 * left out, one that grew is cut at the size it had when it was listed, one that shrank is filled up with zeros. What
 * changed is in the WAL, since all of it happened after the backup's start.
 */
export class FileCopier {
  readonly #parts: FileCopierParts;
  #open: { readonly file: TreeFile; readonly writer: FileWriter; readonly suspects: number[] } | null = null;
  /** The file being passed over. */
  #left: TreeFile | null = null;

  constructor(parts: FileCopierParts) {
    this.#parts = parts;
  }

  async copy(entries: AsyncIterable<TreeFolder | TreeFile>, options: CopyOptions = {}): Promise<void> {
    for await (const piece of readAhead(entries, this.#parts.files)) {
      throwIfCancelled(this.#parts.signal);
      if (piece.kind === "range") await this.#takeRange(piece, options);
      else await this.#parts.writer.addDirectory({ path: pathBytes(piece.folder.path), mode: piece.folder.mode });
    }
  }

  async #takeRange(piece: Piece & { readonly kind: "range" }, options: CopyOptions): Promise<void> {
    const { file, offset } = piece;
    if (this.#left === file) return;
    if (offset === 0) await options.beforeFile?.(file);
    const got = await piece.bytes;
    if (got === null || got.length < piece.lengthBytes) {
      if (options.onShort !== undefined) throw options.onShort(file);
      if (got === null && offset === 0) {
        this.#left = file;
        return;
      }
    }
    const bytes = filledUp(got, piece.lengthBytes);
    if (offset === 0) {
      options.onFileHead?.(file, bytes);
      this.#open = { file, writer: await this.#begin(file), suspects: [] };
    }
    await this.#write(piece, bytes);
  }

  async #begin(file: TreeFile): Promise<FileWriter> {
    const { path, mode, sizeBytes, modifiedAt } = file;
    return await this.#parts.writer.addFile({ path: pathBytes(path), mode, sizeBytes: BigInt(sizeBytes), modifiedAt });
  }

  async #write(piece: Piece & { readonly kind: "range" }, bytes: Uint8Array): Promise<void> {
    const { pageCare, suspects, rate, onBytes } = this.#parts;
    const open = this.#open;
    if (open === null)
      throw new AppError("internal", { message: `a range of ${readablePath(piece.file.path)} came late` });
    if (pageCare !== null) {
      for (const block of await pageCare.check(piece.file.path, bytes, piece.offset)) open.suspects.push(block);
    }
    await open.writer.write(bytes);
    onBytes(bytes.length);
    await rate.spend(bytes.length);
    if (!piece.isLast) return;
    await open.writer.end();
    suspects.add(readablePath(piece.file.path), open.suspects);
    this.#open = null;
  }
}

function filledUp(bytes: Uint8Array | null, lengthBytes: number): Uint8Array {
  if (bytes !== null && bytes.length === lengthBytes) return bytes;
  const whole = new Uint8Array(lengthBytes);
  if (bytes !== null) whole.set(bytes);
  return whole;
}
