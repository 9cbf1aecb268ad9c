import type { ErrorDescription } from "@tidemark/kit";
import type { Page, PageRequest } from "./page.ts";

/** `stored`: copied while its WAL is not yet whole; `restorable`: whole. */
export type BackupState = "running" | "stored" | "restorable" | "failed" | "interrupted" | "deleting" | "deleted";

/** The mirror of one backup; everything but marks and states of ours can be read from the repository again. */
export interface BackupRow extends BackupFactsRow {
  readonly id: string;
  readonly serverId: string;
  readonly repositoryId: string;
  readonly runId: string | null;
  readonly state: BackupState;
  readonly damageDetail: string | null;
  readonly label: string | null;
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
  readonly verifiedAt: Date | null;
  readonly verification: VerificationRow | null;
  readonly provenAt: Date | null;
  readonly proof: ProofRow | null;
  readonly hold: { readonly by: string; readonly at: Date; readonly reason: string } | null;
  readonly note: string | null;
  readonly retentionReasons: readonly string[];
  readonly deletedAt: Date | null;
  readonly deletedReason: string | null;
  readonly error: { readonly code: string; readonly message: string; readonly hint: string | null } | null;
  readonly mirroredAt: Date | null;
  readonly createdAt: Date;
}

/** What the manifest says; null while running. */
export interface BackupFactsRow {
  readonly startLsn: bigint | null;
  readonly stopLsn: bigint | null;
  readonly timeline: number | null;
  /** As the server prints it, for example `18.4`. */
  readonly serverVersion: string | null;
  readonly systemIdentifier: string | null;
  readonly checksumsEnabled: boolean | null;
  readonly fromStandby: boolean | null;
  readonly fileCount: number | null;
  /** What a restore writes. */
  readonly sizeBytes: bigint | null;
  readonly readBytes: bigint | null;
  readonly storedBytes: bigint | null;
  readonly referencedBytes: bigint | null;
  /** First and last WAL segment it needs. */
  readonly walStart: string | null;
  readonly walEnd: string | null;
  readonly tablespaces: readonly { readonly oid: number; readonly path: string; readonly sizeBytes: string | null }[];
  readonly suspectPages: readonly { readonly path: string; readonly blocks: readonly number[] }[];
  readonly notes: readonly string[];
  /** Sizes as decimal strings. */
  readonly files: {
    readonly classes: readonly { readonly label: string; readonly count: number; readonly bytes: string }[];
    readonly largest: readonly { readonly path: string; readonly bytes: string }[];
  } | null;
}

export interface VerificationRow {
  /** RFC 3339. */
  readonly at: string;
  readonly ok: boolean;
  readonly checkedBytes: string;
  readonly checkedFiles: number;
  readonly problems: readonly string[];
}

export interface ProofRow {
  /** RFC 3339. */
  readonly at: string;
  readonly ok: boolean;
  readonly outcome: string;
  readonly rtoMs: number | null;
  readonly phases: readonly { readonly name: string; readonly durationMs: number }[];
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[];
}

export interface NewBackup {
  readonly id: string;
  readonly serverId: string;
  readonly repositoryId: string;
  readonly label?: string | null;
  /** The database's time when left out. */
  readonly startedAt?: Date;
}

/** Left out: unchanged. `error`, `hold`, `damageDetail`, `note`: null takes it away. */
export interface BackupChange extends Partial<BackupFactsRow> {
  readonly state?: BackupState;
  readonly damageDetail?: string | null;
  readonly label?: string | null;
  readonly startedAt?: Date;
  readonly finishedAt?: Date | null;
  readonly verifiedAt?: Date | null;
  readonly verification?: VerificationRow | null;
  readonly provenAt?: Date | null;
  readonly proof?: ProofRow | null;
  readonly hold?: BackupRow["hold"];
  readonly note?: string | null;
  readonly retentionReasons?: readonly string[];
  readonly deletedAt?: Date | null;
  readonly deletedReason?: string | null;
  readonly error?: ErrorDescription | null;
}

export interface BackupFilter {
  readonly serverId?: string | undefined;
  readonly repositoryId?: string | undefined;
  /** All but deleted ones when left out. */
  readonly states?: readonly BackupState[] | undefined;
}

export interface BackupStore {
  /** In state running; `runs.create({ backup })` does it together with the run. */
  create(backup: NewBackup): Promise<BackupRow>;
  get(id: string): Promise<BackupRow | null>;
  getMany(ids: readonly string[]): Promise<readonly BackupRow[]>;
  /** Newest first by start. */
  list(filter: BackupFilter, page: PageRequest): Promise<Page<BackupRow>>;
  /** Every backup of a server that is not deleted, newest first: the mirror, and retention's candidates. */
  ofServer(serverId: string): Promise<readonly BackupRow[]>;
  /** Throws `not-found`. `onlyFrom` changes it only while in one of these states and gives null otherwise. */
  update(id: string, change: BackupChange, onlyFrom?: readonly BackupState[]): Promise<BackupRow | null>;
  /** Makes or brings up to date the row of a backup that is in the repository. Never revives a deleted one. */
  mirror(backup: NewBackup & { readonly change: BackupChange }): Promise<BackupRow>;
  /** Backups still marked running whose run is final or gone: what a dead worker left. */
  findOrphaned(): Promise<readonly BackupRow[]>;
  /** Of each server the newest restorable one. */
  latestRestorable(serverIds: readonly string[]): Promise<readonly BackupRow[]>;
  /** Of each server the one proven last. */
  lastProven(serverIds: readonly string[]): Promise<readonly BackupRow[]>;
  /** How many kept backups are known to be damaged, per server id; left out when none. */
  damagedCounts(serverIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
}
