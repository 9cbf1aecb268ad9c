import type { ErrorCode, Secret } from "@tidemark/kit";
import type { AreaUsage } from "./collection/area-usage.ts";
import type { InterruptedBackup, InterruptedQuestion } from "./collection/interrupted.ts";
import type { PackHold } from "./collection/pack-hold.ts";
import type { PackVerification, VerificationFact } from "./collection/verification.ts";
import type { RepositoryKeys } from "./keys/repository-keys.ts";
import type { BackupReading, BackupWalRange } from "./manifests/backup-reading.ts";
import type { BackupConfiguration, BackupEnvironment, BackupMethod } from "./manifests/backup-surroundings.ts";
import type { TrustFinding } from "./manifests/trust-finding.ts";
import type { YoungPages } from "./manifests/young-pages.ts";
import type { BoxCompression } from "./seal/compression.ts";
import type { WalArchive } from "./wal/wal-archive.ts";

/**
 * The public shapes of the repository (docs/repository-format.md has the bytes). Open one with `openRepository`, make
 * one with `createRepository`; a `ServerArea` is the part of it that belongs to one server.
 */
export interface Repository {
  readonly id: string;
  readonly formatVersion: number;
  readonly encrypted: boolean;
  readonly createdAt: Date;
  readonly location: string;
  /** Null where nothing is encrypted. */
  readonly keys: RepositoryKeys | null;
  area(serverId: string): ServerArea;
  /** Ids of the servers that have an area here. */
  serverIds(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** What opens an encrypted repository: the text of a key file (`tidemark-key-1:…`), a passphrase, or an age identity file. */
export type RepositoryKey =
  | { readonly kind: "key-file"; readonly text: Secret }
  | { readonly kind: "passphrase"; readonly text: Secret }
  | { readonly kind: "age-identity"; readonly text: Secret };

export interface ServerArea {
  readonly serverId: string;
  /** Every backup whose manifest exists and is not revoked, oldest first. A damaged one is listed with `damaged` set. */
  listBackups(): Promise<readonly StoredBackup[]>;
  /** Throws `manifest-missing` or `manifest-damaged`. */
  openManifest(backupId: string): Promise<ManifestReader>;
  beginBackup(options: BeginBackup): Promise<BackupWriter>;
  marks(backupId: string): Promise<readonly Mark[]>;
  /** Of verifications the newest counts: it removes those before it. */
  addMark(backupId: string, mark: NewMark): Promise<Mark>;
  /** Fetches, opens and checks frames; the way restore and verify read. */
  frames(): FrameSource;
  /** Deletes the manifest first, then its marks; the packs wait for `collectGarbage`. Refuses a held backup (`backup-held`). */
  deleteBackup(backupId: string): Promise<void>;
  /** Finds packs that no manifest needs, marks them, and deletes those marked in an earlier pass longer ago than the grace period. */
  planCollection(options: CollectionOptions): Promise<CollectionPlan>;
  executeCollection(plan: CollectionPlan, signal?: AbortSignal): Promise<CollectionReport>;
  /** Where the bytes of the packs are, and how many of them no backup needs. Reads every manifest's index. */
  usage(): Promise<AreaUsage>;
  /** Packs the next backup is to leave empty (`evacuatePackIds`), as the newest pass of the collection chose them. */
  plannedEvacuation(): Promise<ReadonlySet<string>>;
  /** Backups that died on the way and left packs of use: for `salvageFrom`. Newest first. */
  interruptedBackups(question: InterruptedQuestion): Promise<readonly InterruptedBackup[]>;
  /** Keeps every pack from the collection until it is disposed of. To be made before a manifest is read. */
  holdPacks(kind: "reader" | "copy"): Promise<PackHold>;
  /** Whether somebody holds packs now, wherever he runs: WAL he may need must stay as well. */
  isBeingRead(): Promise<boolean>;
  /** Packs that no manifest points into and that may be removed soon: not to be taken up again. */
  doomedPacks(): Promise<ReadonlySet<string>>;
  /** The id of the backup that wrote each of these packs, from its head; null for one that is missing or damaged there. */
  packWriters(packIds: Iterable<string>): Promise<ReadonlyMap<string, string | null>>;
  /** The newest result of each pack and tier that verifications left here. */
  verifications(): Promise<readonly PackVerification[]>;
  /** Keeps what a verification found in some packs, and drops what it supersedes. */
  addVerification(fact: VerificationFact): Promise<void>;
  /** The WAL of one cluster incarnation. Opens nothing. */
  wal(systemIdentifier: bigint): WalArchive;
  /** Cluster incarnations that have WAL here, ascending. */
  walIdentifiers(): Promise<readonly bigint[]>;
}

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
  /** The chunk is copied before this returns to the event loop; the caller may reuse it once the promise is settled. */
  write(chunk: Uint8Array): Promise<void>;
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

export interface BackupCounts {
  /** Plain bytes given to the writer. */
  readonly readBytes: bigint;
  /** Bytes of new packs, as stored. */
  readonly storedBytes: bigint;
  /** Plain bytes that were read, found stored already and referenced. */
  readonly referencedBytes: bigint;
  readonly files: number;
  /** What follows is null in manifests of format 1. Where it is not: plain bytes of all files = new + referenced + carried + zero. */
  readonly newBytes: bigint | null;
  /** Plain bytes that are zeros, which take no room. */
  readonly zeroBytes: bigint | null;
  /** Plain bytes referenced without being read: the server did not send them. */
  readonly carriedBytes: bigint | null;
  /** Bytes the server sent for this backup; null also where the files did not come over the wire. */
  readonly sentBytes: bigint | null;
  /** Runs of stored bytes in all files: what a restore has to place one by one. */
  readonly runs: number | null;
  /** Runs under 32 KiB in files over 64 KiB: where a file has become fragmented. */
  readonly smallRuns: number | null;
}

/** What a manifest says about the backup as a whole. Plain JSON with bigints as decimal strings at rest. */
export interface BackupFacts {
  /** The name the server had when the backup was taken, so that a restore without the control plane can ask by name. */
  readonly serverName: string;
  readonly systemIdentifier: bigint;
  /** `server_version_num`, for example 180004. */
  readonly serverVersion: number;
  readonly catalogVersion: number;
  readonly timeline: number;
  readonly startLsn: bigint;
  readonly stopLsn: bigint;
  readonly stopTimeline: number;
  readonly startedAt: Date;
  readonly stoppedAt: Date;
  readonly label: string;
  readonly fromStandby: boolean;
  readonly blockSize: number;
  readonly walSegmentSizeBytes: number;
  readonly dataDirectoryMode: number;
  readonly checksumsEnabled: boolean;
  readonly tablespaces: readonly { readonly oid: number; readonly path: string }[];
  /** Encoding-neutral text of `backup_label` as the server gave it. */
  readonly backupLabel: string;
  readonly tablespaceMap: string;
  /** Pages whose checksum did not match while they passed: file, block numbers within the relation. */
  readonly suspectPages: readonly SuspectPages[];
  /** The WAL that is inside the backup's own `pg_wal` (this form: start to stop), or null when it lives in the WAL area. */
  readonly includedWal: { readonly timeline: number; readonly startLsn: bigint; readonly endLsn: bigint } | null;
  /** Sentences worth keeping with the backup (no slot was free, a file vanished …). */
  readonly notes: readonly string[];
  /** How the files came; null in manifests written before there was a second way (then it was `stream`). */
  readonly method: BackupMethod | null;
  /** The server's configuration as far as it could be read; null when nobody asked, and in listings (it may be long). */
  readonly configuration: BackupConfiguration | null;
  /** What a restored server needs around it; null when nobody asked. */
  readonly environment: BackupEnvironment | null;
  /** How much of the server was read; null in manifests of format 1 (then everything was). */
  readonly reading: BackupReading | null;
  /** The WAL ranges of the server's own manifest, which the next incremental's upload repeats; null where there was none. */
  readonly walRanges: readonly BackupWalRange[] | null;
  /** Which share of the files rolling trust asked for in full, 0 to 27; null where it did not take part. */
  readonly trustRound: number | null;
  /** What rolling trust found; null where it did not take part. */
  readonly trustFindings: readonly TrustFinding[] | null;
  /** Pages that were changed while the backup ran; null where nobody noted them, and in listings (it may be long). */
  readonly youngPages: YoungPages | null;
}

export interface SuspectPages {
  readonly path: string;
  readonly blocks: readonly number[];
}

export interface StoredBackup {
  readonly backupId: string;
  readonly serverId: string;
  /** The backup whose frames were referenced where unchanged; it may be gone, this one does not need it. */
  readonly parentId: string | null;
  readonly facts: BackupFacts | null;
  readonly counts: BackupCounts | null;
  readonly fileCount: number;
  /** Sum of the files' sizes: what a restore writes. */
  readonly plainBytes: bigint;
  /** Why the manifest cannot be read, or null. */
  readonly damaged: string | null;
}

export interface ManifestReader {
  readonly backup: StoredBackup & { readonly facts: BackupFacts; readonly counts: BackupCounts };
  /** Directories, links and files in the order they were written; streamed, so a manifest may be larger than memory. */
  entries(): AsyncIterable<ManifestEntry>;
  /** The files without their extents, in the order of `entries`: many times cheaper than that. */
  files(): AsyncIterable<ManifestFileSummary>;
  /** Packs this manifest points into. */
  packIds(): Promise<ReadonlySet<string>>;
  /**
   * Which frames of each pack this manifest refers to: bit i of byte i >> 3 stands for frame i, trailing zero bytes are cut.
   * In the index of a manifest of format 2; computed from the extents of one of format 1.
   */
  frameUse(): Promise<ReadonlyMap<string, Uint8Array>>;
}

export type ManifestEntry =
  | { readonly kind: "directory"; readonly path: Uint8Array; readonly mode: number }
  | { readonly kind: "symlink"; readonly path: Uint8Array; readonly target: string }
  | ManifestFile;

export interface ManifestFile {
  readonly kind: "file";
  readonly path: Uint8Array;
  readonly mode: number;
  readonly sizeBytes: bigint;
  readonly modifiedAt: Date;
  /** CRC-32C of the whole file. */
  readonly crc32c: number;
  readonly extents: readonly Extent[];
}

/** What `ManifestReader.files` says of a file. */
export interface ManifestFileSummary {
  readonly path: Uint8Array;
  readonly mode: number;
  readonly sizeBytes: bigint;
  readonly modifiedAt: Date;
  readonly crc32c: number;
  /** Runs of stored bytes, zeros not counted. */
  readonly runs: number;
  /** Runs under 32 KiB in a file over 64 KiB; 0 in smaller files. The files with the largest share are the most fragmented. */
  readonly smallRuns: number;
}

/** A run of a file's bytes: in a frame of a pack, or zeros. Extents follow each other without holes. */
export type Extent =
  | {
      readonly kind: "frame";
      readonly fileOffset: bigint;
      readonly lengthBytes: number;
      readonly packId: string;
      readonly frameIndex: number;
      /** Where in the frame's plain bytes the run begins (bundles of small files share a frame). */
      readonly offsetInFrame: number;
      /** CRC-32C of this run's bytes. */
      readonly crc32c: number;
      /**
       * XXH3-128 of this run's bytes with the repository's seed: tells the next backup whether the same place is unchanged.
       * Null for a piece of an older run: its bytes were not at hand when it was cut.
       */
      readonly fingerprint: Uint8Array | null;
    }
  | { readonly kind: "zeros"; readonly fileOffset: bigint; readonly lengthBytes: bigint };

/** What one frame is asked to become. Runs in a worker thread. */
export interface FrameJob {
  /**
   * The bytes of all parts, one after another, or room for them when the encoder is to read them: the beginning of a
   * `FrameMemory`, which is the encoder's until the outcome is there. It may move parts up when it leaves some out.
   */
  readonly plain: Uint8Array;
  /** Whence the encoder reads the frame's only part, at its offset in the file; only for one with a `readDepth`. */
  readonly read?: FrameRead;
  /** One part for a frame of a large file; several for a bundle of small files. */
  readonly parts: readonly FramePart[];
  readonly sealing: FrameSealing;
  /** 8 bytes. */
  readonly fingerprintSeed: Uint8Array;
  readonly compression: BoxCompression;
}

export interface FrameRead {
  /** A file descriptor of this process; open until the outcome is there. */
  readonly fd: number;
}

export interface FramePart {
  readonly lengthBytes: number;
  /** Where in its file the part begins. */
  readonly fileOffset: number;
  /** Fingerprint of the parent's run at the same place; equal means: leave the part out, it is referenced. */
  readonly parentFingerprint: Uint8Array | null;
  readonly inspect: unknown;
}

/** How a frame is closed: AES-256-GCM, or, without a key (repository not encrypted), BLAKE2b over additional data and bytes. */
export interface FrameSealing {
  readonly key: Uint8Array | null;
  readonly nonce: Uint8Array;
  readonly additionalData: Uint8Array;
  /** Without a key, what the guard is made with: a GMAC under this one, which is no secret. Else the guard is a hash. */
  readonly guardKey?: Uint8Array;
}

/** What all parts of one object are sealed with (`partSealing`). Structured-cloneable. */
export interface PartSeals {
  readonly key: Uint8Array | null;
  readonly place: string;
  /** `guardKey` of the boxes of WAL, in objects that have such and are not encrypted. */
  readonly walGuardKey?: Uint8Array;
}

/**
 * `unchanged`: every part equals the parent's, nothing is stored. `zeros`: what the encoder read is nothing else, and there
 * is no outcome of parts. `encoded`: `stored` holds the parts that changed, in order.
 */
export type FrameOutcome = (
  | { readonly kind: "unchanged" | "zeros" }
  | {
      readonly kind: "encoded";
      /** May lie in the memory of the job's plain bytes: valid until that is used again. */
      readonly stored: Uint8Array;
      /** Of the frame's plain bytes, that is, of the changed parts together. */
      readonly plainBytes: number;
      readonly crc32c: number;
      readonly fingerprint: Uint8Array;
      /** CRC-32C of each 8192 bytes of the plain bytes, the last may be shorter; empty when a part begins off that grid. */
      readonly pieceCrcs: Uint32Array;
    }
) & { readonly parts: readonly PartOutcome[] };

export interface PartOutcome {
  readonly unchanged: boolean;
  readonly crc32c: number;
  readonly fingerprint: Uint8Array;
  readonly findings: readonly unknown[];
}

/**
 * Looks at the plain bytes of a part inside the worker thread and reports what it finds (page checksums, for example).
 * `readAgain`, for bytes the thread read from a file itself, gives what the same place holds now, fewer bytes where the
 * file has become shorter; the inspector may then put it into `bytes`.
 */
export type FrameInspector = (
  bytes: Uint8Array,
  inspect: unknown,
  fileOffset: number,
  readAgain?: () => Uint8Array,
) => readonly unknown[];

/**
 * Turns plain frames into stored ones, several at a time, off the main thread. The repository brings the kernel
 * (`encodeFrame`) and a pool; the engine brings a worker script that also checks page checksums.
 */
export interface FrameEncoder {
  /** How many frames may be in flight; `BackupWriter.write` waits beyond that. */
  readonly pipelineDepth: number;
  /** As `pipelineDepth`, for jobs with `read`; missing for an encoder that takes none. */
  readonly readDepth?: number;
  /** Lets up to so many of its threads start now: loading their modules takes longer than a small backup. */
  start?(threads: number): void;
  encode(job: FrameJob): Promise<FrameOutcome>;
  close(): Promise<void>;
}

/** Opens stored frames: fetched with coalesced ranged reads, checked (tag or hash, then CRC), decompressed off the main thread. */
export interface FrameSource {
  /** The plain bytes of each wanted frame, each fetched once, grouped by pack. Damage is reported per frame, not thrown. */
  readFrames(packId: string, frameIndexes: readonly number[], signal?: AbortSignal): AsyncIterable<OpenedFrame>;
  /**
   * The same frames as they are stored, in the coalesced ranges they are fetched in, for a caller that opens them in
   * threads of its own (`FrameOpener`). `frameIndexes` null: every frame of the pack.
   */
  readStored(packId: string, frameIndexes: readonly number[] | null, signal?: AbortSignal): AsyncIterable<StoredRange>;
  /**
   * As `readStored`, but where the store keeps its objects as files of this machine, a range only says where it lies: the
   * threads read it themselves (`RangeReader`). What they cannot read is asked for once more with `readStored`, which
   * knows why, and where else to ask.
   */
  locateStored(
    packId: string,
    frameIndexes: readonly number[] | null,
    signal?: AbortSignal,
  ): AsyncIterable<StoredRange | LocatedRange>;
  /** What a pack's directory says of its frames; damage is a value. */
  describePack(packId: string, signal?: AbortSignal): Promise<PackDescription>;
}

/** A piece of a pack with the frames that lie in it. */
export type StoredRange =
  | (FramesOfRange & { readonly kind: "stored"; readonly bytes: Uint8Array<ArrayBuffer> })
  | {
      readonly kind: "damaged";
      /** Empty when not even the directory could be read and all frames were asked for. */
      readonly frameIndexes: readonly number[];
      readonly code: "pack-missing" | "pack-damaged";
      readonly reason: string;
    };

/** A piece of a pack that is not read yet. */
export interface LocatedRange extends FramesOfRange {
  readonly kind: "located";
  readonly file: FileRange;
}

/** Some bytes of a file of this machine. */
export interface FileRange {
  readonly path: string;
  readonly offset: number;
  readonly lengthBytes: number;
}

export interface FramesOfRange {
  readonly seals: PartSeals;
  readonly frames: readonly StoredFrame[];
}

/** One frame within the bytes of a range, with what is needed to open it. Structured-cloneable. */
export interface StoredFrame {
  readonly frameIndex: number;
  /** Where it begins in the range, and how long it is there. */
  readonly at: number;
  readonly storedBytes: number;
  /** The number it was sealed with, as a part of kind `frame`. */
  readonly number: number;
  readonly plainBytes: number;
  readonly crc32c: number;
}

export type PackDescription =
  | {
      readonly kind: "known";
      /** By frame index. */
      readonly plainBytes: Uint32Array;
      readonly crc32c: Uint32Array;
      readonly storedBytes: Uint32Array;
    }
  | { readonly kind: "damaged"; readonly code: "pack-missing" | "pack-damaged"; readonly reason: string };

export type OpenedFrame =
  | { readonly kind: "plain"; readonly frameIndex: number; readonly plain: Uint8Array; readonly crc32c: number }
  | { readonly kind: "damaged"; readonly frameIndex: number; readonly code: ErrorCode; readonly reason: string };

/** A small sealed fact beside a backup; the newest of a kind wins. */
export interface Mark {
  readonly markId: string;
  readonly kind: MarkKind;
  readonly text: string;
  readonly by: string;
  readonly at: Date;
}

export type MarkKind = "hold" | "release" | "note" | "deletion" | "verified" | "damaged" | "proven";
export type NewMark = Omit<Mark, "markId">;

export interface CollectionOptions {
  readonly now: Date;
  /** Packs younger than this are never touched, and a marked pack waits this long. */
  readonly graceMs: number;
  /** Backups being written now: their packs are not garbage however they look. */
  readonly runningBackupIds: readonly string[];
}

export interface CollectionPlan {
  readonly plannedAt: Date;
  /** What it was planned with; execution plans again with the same and refuses (`plan-stale`) when the answer differs. */
  readonly options: CollectionOptions;
  /** Packs seen dead for the first time; they get a mark. */
  readonly mark: readonly string[];
  /** Packs dead in an earlier pass and past the grace period; they are deleted. */
  readonly remove: readonly { readonly packId: string; readonly sizeBytes: number }[];
  /** Backup ids of dead runs whose manifest keys are claimed (revoked) before their packs go. */
  readonly revoke: readonly string[];
  readonly keptPacks: number;
}

export interface CollectionReport {
  readonly marked: number;
  readonly removedPacks: number;
  readonly freedBytes: bigint;
}
