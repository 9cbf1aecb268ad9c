import type { Extent } from "../manifests/manifest-entry.ts";
import type { BackupCounts, BackupFacts, StoredBackup } from "../manifests/stored-backup.ts";
import type { FrameEncoder } from "../packs/frame-encoding.ts";

export interface BeginBackup {
  readonly backupId: string;
  /** Backup whose frames at the same place may be referenced instead of stored; null stores everything. */
  readonly parentId: string | null;
  readonly startedAt: Date;
  /** The caller's; the writer does not close it. */
  readonly encoder: FrameEncoder;
  /** Packs whose frames are not to be referenced again (found damaged): what they held is stored anew. */
  readonly avoidPackIds?: ReadonlySet<string>;
  /** Packs that shall become empty: what would be carried or referenced from them is opened and stored anew. */
  readonly evacuatePackIds?: ReadonlySet<string>;
  /**
   * Ids of interrupted backups. A frame about to be stored that equals one of theirs, found by fingerprint and confirmed
   * byte by byte, is referenced instead. Their packs must not be collected meanwhile.
   */
  readonly salvageFrom?: readonly string[];
  readonly signal?: AbortSignal;
}

/**
 * Writes one backup. Files are given one after another in stream order; memory stays below `pipelineDepth × frame size`
 * and two packs, because `write` waits when the encoders or the store are behind. Nothing is visible before `commit`.
 */
export interface BackupWriter {
  addDirectory(entry: { readonly path: Uint8Array; readonly mode: number }): Promise<void>;
  addSymlink(entry: { readonly path: Uint8Array; readonly target: string }): Promise<void>;
  /** Begins a file of a known size; `write` the bytes in order, then `end`. One file is open at a time. */
  addFile(entry: NewFile): Promise<WholeFileWriter>;
  /** Whether the bytes of a file of this size may be taken with `writeFrom`. */
  readsFile(sizeBytes: number): boolean;
  /**
   * Whether the parent has this file in whole pages and in packs that are there and not to be avoided, so that
   * `addPatchedFile` will take it; and how long it is. Null otherwise, and when there is no usable parent.
   */
  parentFile(path: Uint8Array): Promise<{ readonly sizeBytes: bigint } | null>;
  /**
   * What the parent stores of this file, for whoever compares what comes with it; null when the parent has no such file or
   * cannot be used (any more).
   */
  parentExtents(path: Uint8Array): Promise<ParentExtents | null>;
  /**
   * Begins a file that is the parent's of the same path with some blocks replaced. `write` takes the changed blocks' bytes
   * back to back; everything else is carried: referenced without being read. The result has the CRC-32C of the whole file.
   * Throws `bad-request` where `parentFile` is null or the blocks are not ascending and within the file; `manifest-missing`
   * or `manifest-damaged` (also from `write` and `end`) when the parent's manifest is lost meanwhile; `pack-damaged` or
   * `pack-missing` when a frame had to be opened and could not. After any of these the backup cannot be finished.
   */
  addPatchedFile(entry: PatchedFile): Promise<FileWriter>;
  /** Counts bytes the server sent for this backup, as it came over the wire (for `counts.sentBytes`). */
  addSentBytes(bytes: number): void;
  /** Waits until everything given so far is encoded and every ended file's `onResult` was called. Call it before `commit` when the facts depend on results. */
  drain(): Promise<void>;
  /** Bytes read, stored and referenced so far. */
  readonly counts: BackupCounts;
  /** Of the referenced bytes, those that interrupted backups had stored (`salvageFrom`). */
  readonly salvagedBytes: bigint;
  /** Why the parent could not be used (any more), or null. What it could have saved is stored; the backup is as good. */
  readonly parentProblem: string | null;
  /** Waits for all packs to be durable, then writes the manifest, exclusively. After this the backup exists. */
  commit(facts: BackupFacts): Promise<StoredBackup>;
  /** Gives up: removes what this writer put where that is safe. What could not be removed is thrown after all was tried (join it with `joinCleanup`). */
  abort(): Promise<void>;
}

/** One file of the parent, walked forward: the extent that holds the byte at each offset asked for, null beyond its end. */
export interface ParentExtents {
  extentAt(fileOffset: number): Promise<Extent | null>;
}

export interface NewFile {
  /** Path below the data directory as bytes (PostgreSQL allows names that are not UTF-8). */
  readonly path: Uint8Array;
  readonly mode: number;
  readonly sizeBytes: bigint;
  readonly modifiedAt: Date;
  /** Handed to the frame encoder's inspector with every run of this file, for example what is needed to check page checksums. Structured-cloneable. */
  readonly inspect?: unknown;
  /** Called once, when the last run of the file is encoded: after `end`, at the latest during `drain` or `commit`. */
  readonly onResult?: (result: FileResult) => void;
}

/** A file as the parent has it, with some blocks replaced and another length. */
export interface PatchedFile extends NewFile {
  /** Bytes of a block; `sizeBytes` is a multiple. */
  readonly blockSize: number;
  /** Ascending block numbers within the file whose contents are written, one after another, in this order. */
  readonly changedBlocks: Uint32Array;
  /** From this byte on, what is not written is zeros and not the parent's (limit block); null: no limit. Beyond the parent's end always zeros. */
  readonly zerosFrom: bigint | null;
}

export interface FileWriter {
  /** The caller may reuse the chunk once the promise is settled; undefined: at once, there is nothing to wait for. */
  write(chunk: Uint8Array): Promise<void> | undefined;
  /**
   * Throws when fewer or more bytes than announced were written. Small files share a frame that is encoded when it is
   * full, so the result is not known yet here: it goes to `onResult`.
   */
  end(): Promise<void>;
}

/** Takes a file in its whole length. */
export interface WholeFileWriter extends FileWriter {
  /**
   * The next bytes, which the encoders' threads read themselves, so that none passes this one. What the file does not have
   * any more is zeros. Only where `BackupWriter.readsFile` says so, for each byte of the file or for none.
   */
  writeFrom(file: ReadableFile, lengthBytes: number): Promise<void>;
}

/** A file that was opened for reading. It stays open until as many `release`s came as there were `retain`s, and one more. */
export interface ReadableFile {
  readonly fd: number;
  retain(): void;
  /** Never throws. */
  release(): void;
  /** What to throw for what reading it failed with: its owner knows its name and what that means. */
  explain(error: unknown): unknown;
}

export interface FileResult {
  readonly crc32c: number;
  /** What the encoder's inspector reported for this file, in the order of its bytes. Runs of zeros are not inspected. */
  readonly findings: readonly unknown[];
}
