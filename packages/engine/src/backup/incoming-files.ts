import { AppError, crc32c } from "@tidemark/kit";
import { type BaseBackupEvent, isRelationFile, segmentHeaderBytes, withoutIncrementalLines } from "@tidemark/postgres";
import type { BackupWriter, FileResult, FileWriter, NewFile, PatchedFile } from "@tidemark/repository";
import { incrementalRefused } from "./incremental-refusal.ts";
import { type PageInspection, type PageLayout, passingInspectionOf } from "./page-inspection.ts";
import { isWalSegment, type ReceivedFiles } from "./received-files.ts";
import type { SuspectList } from "./suspect-list.ts";
import type { WalCoverage } from "./wal-coverage.ts";
import { isYoungRun, type YoungList } from "./young-pages.ts";

type FileBegin = Extract<BaseBackupEvent, { kind: "file-begin" }>;
type IncrementBegin = Extract<BaseBackupEvent, { kind: "increment-begin" }>;

/** What is known about increments before they come. */
export interface Increments {
  /** The byte from which on what is not sent of this file is zeros; null: no limit. */
  zerosFrom(path: string): bigint | null;
  /** Throws `incremental-refused` when the server does not send what must have changed: it is not where the parent saw it. */
  assertNamed(path: string, blocks: Uint32Array, wholeBlocks: number): void;
  /** Looks at files that come in full although the parent has them; null where nobody does. */
  readonly comparison: FileComparison | null;
}

/** Looks at the bytes of files while they pass. */
export interface FileComparison {
  /** For a file that begins; null where there is nothing to look at. */
  begin(path: Uint8Array): Promise<PassingFile | null>;
}

export interface PassingFile {
  /** The chunk may be reused when the promise is settled. */
  write(chunk: Uint8Array): Promise<void>;
  end(): Promise<void>;
}

export interface IncomingParts {
  readonly writer: Pick<BackupWriter, "addPatchedFile"> & { addFile(entry: NewFile): Promise<FileWriter> };
  readonly layout: PageLayout & { readonly checksumsEnabled: boolean };
  /** Where the copy starts: pages as new as that are rewritten by recovery. */
  readonly startLsn: bigint;
  readonly received: ReceivedFiles;
  readonly coverage: WalCoverage;
  readonly suspects: SuspectList;
  /** Null where nobody will build on the backup. */
  readonly young: YoungList | null;
  /** Null in a copy of everything. */
  readonly increments: Increments | null;
}

/** Brings the files of a stream into the repository, one after another, and notes what the server's manifest must say of them. */
export class IncomingFiles {
  readonly #parts: IncomingParts;
  /** Whole contents of the few small files we read ourselves, as they were sent. */
  readonly #kept = new Map<string, Uint8Array>();
  #file: OpenFile | null = null;
  /** The relations' files of the folder that passes, which the server sends at one go; of an incremental copy only. */
  readonly #passed = { folder: "", names: new Set<string>() };

  constructor(parts: IncomingParts) {
    this.#parts = parts;
  }

  get isOpen(): boolean {
    return this.#file !== null;
  }

  /** Null when it was not sent. */
  kept(path: string): Uint8Array | null {
    return this.#kept.get(path) ?? null;
  }

  async begin(event: FileBegin): Promise<void> {
    const { received, writer, increments } = this.#parts;
    const path = event.path.slice();
    const text = Buffer.from(path).toString("utf8");
    this.#assertNew(text);
    const index = received.add(path, event.sizeBytes);
    const entry = { path, mode: event.mode, modifiedAt: event.modifiedAt, ...this.#inspection(path) };
    const keepBytes = keptFiles.has(text) ? keptFileLimit : isWalSegment(path) ? segmentHeaderBytes : 0;
    const file = { text, index, entry, sizeBytes: event.sizeBytes, keepBytes, kept: [], keptBytes: 0 };
    if (text === labelPath && increments !== null) {
      // How long it will be is known when it is cleaned.
      this.#file = { ...file, writer: null, passing: null };
      return;
    }
    const onResult = (result: FileResult) => this.#noteResult(text, result, index);
    const open = await writer.addFile({ ...entry, sizeBytes: BigInt(event.sizeBytes), onResult });
    const passing = (await increments?.comparison?.begin(path)) ?? null;
    this.#file = { ...file, writer: open, passing };
  }

  /**
   * Lays an increment over what the parent has. Its length is what PostgreSQL calls the minimum length of the
   * reconstructed file, or what the blocks need (pg_combinebackup, reconstruct.c).
   */
  async beginIncrement(event: IncrementBegin): Promise<void> {
    const { received, layout, increments } = this.#parts;
    const path = event.path.slice();
    const text = Buffer.from(path).toString("utf8");
    this.#assertNew(text);
    const { blocks, truncationBlocks } = event.header;
    const wholeBlocks = Math.max(truncationBlocks, (blocks.at(-1) ?? -1) + 1);
    increments?.assertNamed(text, blocks, wholeBlocks);
    const index = received.add(event.sentPath, event.sentBytes);
    const entry = { path, mode: event.mode, modifiedAt: event.modifiedAt, ...this.#inspection(path) };
    const open = await this.#patch({
      ...entry,
      sizeBytes: BigInt(wholeBlocks) * BigInt(layout.blockSize),
      blockSize: layout.blockSize,
      changedBlocks: blocks,
      zerosFrom: increments?.zerosFrom(text) ?? null,
      onResult: (result) => this.#noteResult(text, result, null),
    });
    const sizeBytes = blocks.length * layout.blockSize;
    this.#file = { text, index, entry, writer: open, passing: null, sizeBytes, keepBytes: 0, kept: [], keptBytes: 0 };
  }

  /** What the parent does not have cannot be laid over: an increment the server did not make of our manifest. */
  async #patch(file: PatchedFile): Promise<FileWriter> {
    try {
      return await this.#parts.writer.addPatchedFile(file);
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== "bad-request") throw error;
      throw incrementalRefused(`what came is no increment of the last backup: ${error.message}`, error);
    }
  }

  /**
   * A file somebody left in a database's folder may be named like an increment; the server sends it as it is, and the
   * relation's own file besides. Which of the two is the server's cannot be told, and a path can be restored once only.
   */
  #assertNew(path: string): void {
    if (this.#parts.increments === null || !isRelationFile(path)) return;
    const at = path.lastIndexOf("/");
    const [folder, name] = [path.slice(0, at), path.slice(at + 1)];
    if (folder !== this.#passed.folder) {
      this.#passed.folder = folder;
      this.#passed.names.clear();
    }
    if (this.#passed.names.has(name)) {
      throw incrementalRefused(`${path} came twice; is there a file ${folder}/INCREMENTAL.${name} on the server?`);
    }
    this.#passed.names.add(name);
  }

  /** The chunk may be reused when the promise is settled, or at once where there is none. */
  write(chunk: Uint8Array): Promise<void> | undefined {
    const file = this.#open();
    if (file.keptBytes < file.keepBytes) {
      const piece = chunk.slice(0, file.keepBytes - file.keptBytes);
      file.kept.push(piece);
      file.keptBytes += piece.length;
    }
    const written = file.writer?.write(chunk);
    return file.passing === null ? written : pass(chunk, written, file.passing);
  }

  /** Gives the path of the file that ended. */
  async end(): Promise<string> {
    const file = this.#open();
    this.#file = null;
    await file.writer?.end();
    await file.passing?.end();
    const kept = Buffer.concat(file.kept);
    if (keptFiles.has(file.text)) this.#kept.set(file.text, kept);
    else if (file.keepBytes > 0) this.#parts.coverage.add(file.text.slice("pg_wal/".length), file.sizeBytes, kept);
    if (file.writer === null) await this.#addLabel(file, kept);
    return file.text;
  }

  async endIncrement(sentCrc32c: number): Promise<void> {
    const { index } = this.#open();
    await this.end();
    this.#parts.received.setCrc(index, sentCrc32c);
  }

  /** What is stored is the label of a full backup: no server starts on that of an increment. */
  async #addLabel({ entry, index }: OpenFile, sent: Uint8Array): Promise<void> {
    const label = withoutIncrementalLines(sent);
    const file = await this.#parts.writer.addFile({ ...entry, sizeBytes: BigInt(label.length) });
    await file.write(label);
    await file.end();
    this.#parts.received.setCrc(index, crc32c(sent));
  }

  #inspection(path: Uint8Array): { inspect?: PageInspection } {
    const { layout, startLsn, young } = this.#parts;
    const inspect = passingInspectionOf(path, layout, startLsn, { findsYoung: young !== null });
    return inspect === null ? {} : { inspect };
  }

  /** `index` null: the server's manifest lists what it sent, not what that was laid over. */
  #noteResult(path: string, result: FileResult, index: number | null): void {
    if (index !== null) this.#parts.received.setCrc(index, result.crc32c);
    const blocks = result.findings.filter((finding) => typeof finding === "number");
    this.#parts.suspects.add(path, blocks);
    this.#parts.young?.add(path, result.findings.filter(isYoungRun));
  }

  #open(): OpenFile {
    if (this.#file === null) throw new RangeError("bytes or an end came outside a file");
    return this.#file;
  }
}

interface OpenFile {
  readonly text: string;
  readonly index: number;
  readonly entry: { readonly path: Uint8Array; readonly mode: number; readonly modifiedAt: Date };
  /** Null for a label that is gathered first. */
  readonly writer: FileWriter | null;
  readonly passing: PassingFile | null;
  readonly sizeBytes: number;
  readonly keepBytes: number;
  readonly kept: Uint8Array[];
  keptBytes: number;
}

async function pass(chunk: Uint8Array, written: Promise<void> | undefined, passing: PassingFile): Promise<void> {
  await written;
  await passing.write(chunk);
}

const labelPath = "backup_label";
const keptFiles: ReadonlySet<string> = new Set([labelPath, "tablespace_map", "global/pg_control"]);
/** Far above any real one: a label of 1 KiB, a tablespace map of a few lines, a pg_control of 8 KiB. */
const keptFileLimit = 1024 * 1024;
