import type { Secret } from "@tidemark/kit";
import type { BackupWriter, BeginBackup } from "./backup/backup-writing.ts";
import type { AreaUsage } from "./collection/area-usage.ts";
import type { CollectionOptions, CollectionPlan, CollectionReport } from "./collection/collection-plan.ts";
import type { InterruptedBackup, InterruptedQuestion } from "./collection/interrupted.ts";
import type { PackHold } from "./collection/pack-hold.ts";
import type { PackVerification, VerificationFact } from "./collection/verification.ts";
import type { RepositoryKeys } from "./keys/repository-keys.ts";
import type { ManifestReader } from "./manifests/manifest-entry.ts";
import type { StoredBackup } from "./manifests/stored-backup.ts";
import type { FrameSource } from "./packs/frame-reading.ts";
import type { WalArchive } from "./wal/wal-archive.ts";

export type {
  BackupWriter,
  BeginBackup,
  FileResult,
  FileWriter,
  NewFile,
  ParentExtents,
  PatchedFile,
  ReadableFile,
  WholeFileWriter,
} from "./backup/backup-writing.ts";
export type { CollectionOptions, CollectionPlan, CollectionReport } from "./collection/collection-plan.ts";
export type {
  Extent,
  ExtentRows,
  ManifestEntry,
  ManifestFile,
  ManifestFileRows,
  ManifestFileSummary,
  ManifestReader,
  ManifestRows,
} from "./manifests/manifest-entry.ts";
export type { BackupCounts, BackupFacts, StoredBackup, SuspectPages } from "./manifests/stored-backup.ts";
export type {
  FrameEncoder,
  FrameInspector,
  FrameJob,
  FrameOutcome,
  FramePart,
  FrameSealing,
  PartOutcome,
} from "./packs/frame-encoding.ts";
export type {
  FileRange,
  FrameSource,
  LocatedRange,
  OpenedFrame,
  PackDescription,
  PartSeals,
  StoredFrame,
  StoredRange,
} from "./packs/frame-reading.ts";

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
