import { AppError } from "@tidemark/kit";
import type { BackupWriter, FileResult, FileWriter, NewFile } from "@tidemark/repository";
import { throwIfCancelled } from "../act.ts";
import type { SuspectList } from "../backup/suspect-list.ts";
import { isYoungRun, type YoungList } from "../backup/young-pages.ts";
import { type ClusterFiles, pathBytes, readablePath } from "./cluster-files.ts";
import type { PageCare } from "./page-care.ts";
import type { RateLimit } from "./rate-limit.ts";
import { type Piece, rangeBytes, readAhead } from "./read-ahead.ts";
import type { TreeFile, TreeFolder } from "./walk-tree.ts";

export interface FileCopierParts {
  readonly files: ClusterFiles;
  readonly writer: BackupWriter;
  readonly signal: AbortSignal;
  readonly rate: RateLimit;
  readonly pageCare: PageCare;
  readonly suspects: SuspectList;
  /** Null where nobody will build on the backup. */
  readonly young: YoungList | null;
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
  #open: { readonly file: TreeFile; readonly writer: FileWriter; readonly findings: unknown[] } | null = null;
  /** The file being passed over. */
  #left: TreeFile | null = null;

  constructor(parts: FileCopierParts) {
    this.#parts = parts;
  }

  async copy(entries: AsyncIterable<TreeFolder | TreeFile>, options: CopyOptions = {}): Promise<void> {
    const { files, writer, signal } = this.#parts;
    // What must not change or is looked at is read here, range by range under its name.
    const isOpened = ({ sizeBytes }: TreeFile): boolean =>
      options.onShort === undefined && options.onFileHead === undefined && writer.readsFile(sizeBytes);
    for await (const piece of readAhead(entries, files, isOpened)) {
      if (piece.kind === "opened") {
        await this.#takeOpened(piece, options);
        continue;
      }
      throwIfCancelled(signal);
      if (piece.kind === "range") await this.#takeRange(piece, options);
      else await writer.addDirectory({ path: pathBytes(piece.folder.path), mode: piece.folder.mode });
    }
  }

  /** A file that the encoders read: it stays the one that was opened, whatever becomes of its name. */
  async #takeOpened({ file, opened }: Piece & { readonly kind: "opened" }, options: CopyOptions): Promise<void> {
    const { signal, rate, onBytes } = this.#parts;
    const from = await opened;
    if (from === null) return await options.beforeFile?.(file);
    try {
      throwIfCancelled(signal);
      await options.beforeFile?.(file);
      const writer = await this.#parts.writer.addFile(this.#inspected(file));
      for (let offset = 0; offset < file.sizeBytes; offset += rangeBytes) {
        throwIfCancelled(signal);
        const lengthBytes = Math.min(rangeBytes, file.sizeBytes - offset);
        await writer.writeFrom(from, lengthBytes);
        onBytes(lengthBytes);
        await rate.spend(lengthBytes);
      }
      await writer.end();
    } finally {
      from.release();
    }
  }

  #inspected(file: TreeFile): NewFile {
    const inspect = this.#parts.pageCare.inspectionOf(file.path);
    if (inspect === null) return newFile(file);
    const onResult = ({ findings }: FileResult): void => this.#note(file, findings);
    return { ...newFile(file), inspect, onResult };
  }

  #note(file: TreeFile, findings: readonly unknown[]): void {
    const path = readablePath(file.path);
    const blocks = findings.filter((finding) => typeof finding === "number");
    this.#parts.suspects.add(path, blocks);
    this.#parts.young?.add(path, findings.filter(isYoungRun));
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
      this.#open = { file, writer: await this.#parts.writer.addFile(newFile(file)), findings: [] };
    }
    await this.#write(piece, bytes);
  }

  async #write(piece: Piece & { readonly kind: "range" }, bytes: Uint8Array): Promise<void> {
    const { pageCare, rate, onBytes } = this.#parts;
    const open = this.#open;
    if (open === null)
      throw new AppError("internal", { message: `a range of ${readablePath(piece.file.path)} came late` });
    for (const finding of await pageCare.check(piece.file.path, bytes, piece.offset)) open.findings.push(finding);
    await open.writer.write(bytes);
    onBytes(bytes.length);
    await rate.spend(bytes.length);
    if (!piece.isLast) return;
    await open.writer.end();
    this.#note(piece.file, open.findings);
    this.#open = null;
  }
}

function newFile({ path, mode, sizeBytes, modifiedAt }: TreeFile): NewFile {
  return { path: pathBytes(path), mode, sizeBytes: BigInt(sizeBytes), modifiedAt };
}

function filledUp(bytes: Uint8Array | null, lengthBytes: number): Uint8Array {
  if (bytes !== null && bytes.length === lengthBytes) return bytes;
  const whole = new Uint8Array(lengthBytes);
  if (bytes !== null) whole.set(bytes);
  return whole;
}
