import { AppError } from "@tidemark/kit";
import type { ReplicationSession, SqlSession } from "@tidemark/postgres";
import type { BackupMethod, BackupReading, BackupWriter, ServerArea, TrustFinding } from "@tidemark/repository";
import type { ActControl } from "../act.ts";
import type { BackupParent } from "./backup-parent.ts";
import type { ReceivedBackup, SourceFacts } from "./receive-backup.ts";

/**
 * Where a backup's bytes come from. Signals given to `connect…` must end the session at once, wherever it is.
 *
 * - `stream`: BASE_BACKUP over the replication protocol.
 * - `files`: the low-level API (pg_backup_start … pg_backup_stop); the files are read by pg_read_binary_file over
 *   `readers` sessions, or from `dataDirectory` where this process sees the server's own file system.
 */
export type BackupSource =
  | {
      readonly kind: "stream";
      readonly connect: (signal: AbortSignal) => Promise<ReplicationSession>;
      /**
       * An SQL session to the same server, for what an incremental copy must ask (17+); any role that may log in will do.
       * Left out: everything is copied every time.
       */
      readonly connectSql?: ((signal: AbortSignal) => Promise<SqlSession>) | undefined;
      readonly connectPrimary?: ConnectPrimary | undefined;
    }
  | {
      readonly kind: "files";
      readonly connectSql: (signal: AbortSignal) => Promise<SqlSession>;
      /** Sessions that read side by side, 1 to 16. Each takes some 4 MiB of memory: two ranges of a MiB, as sent and as read. */
      readonly readers: number;
      /** The server's data directory as this process sees it; null: read over SQL. */
      readonly dataDirectory: string | null;
      readonly connectPrimary?: ConnectPrimary | undefined;
    };

/** For a backup from a standby: a session on its primary, whose WAL is switched while the backup stops. */
export type ConnectPrimary = (signal: AbortSignal) => Promise<SqlSession>;

/** What is asked of the server before the copy begins. */
export interface SourceDetails extends SourceFacts {
  readonly versionNum: number;
  readonly dataDirectoryMode: number;
}

export interface CopyRequest {
  readonly backupId: string;
  readonly label: string;
  readonly checkpoint: "fast" | "spread";
  readonly maxRateKib: number | null;
  readonly area: ServerArea;
  readonly parent: BackupParent;
  /** Everything is to be read, because of this; null: only what changed, where that can be had. */
  readonly fullBecause: FullReason | null;
  /** How long a standby is given for the restartpoint an incremental copy needs. */
  readonly restartpointWaitMs: number;
}

/** Why everything is read. */
export interface FullReason {
  /** A sentence for the run's log. */
  readonly why: string;
  /** There was a backup to build on and nobody asked for everything: kept with the backup. */
  readonly isNews: boolean;
}

/** A copy with how much of the server was read for it. */
export interface CopiedBackup extends ReceivedBackup {
  readonly reading: BackupReading;
  /** See `BackupFacts.trustRound`. */
  readonly trustRound: number | null;
  /** See `BackupFacts.trustFindings`. */
  readonly trustFindings: readonly TrustFinding[] | null;
}

/** A server that can be copied from now on. `copy` is called once, `close` always, and then nothing else. */
export interface OpenedSource {
  readonly method: BackupMethod;
  readonly details: SourceDetails;
  /** Aborted, with the reason, when the copy has become impossible: whatever waits for something else ends. */
  readonly lost: AbortSignal;
  /** Whether what changed was asked for, and not everything; decided by `copy`. */
  readonly isIncremental: boolean;
  /** Makes the server keep the WAL of the copy; returns sentences about what was not possible. */
  reserveWal(backupId: string, control: ActControl): Promise<readonly string[]>;
  copy(writer: BackupWriter, request: CopyRequest, control: ActControl): Promise<CopiedBackup>;
  /** The reason behind an error of `copy`, where the server said less than can be found out. Never throws. */
  explain(error: unknown): Promise<unknown>;
  close(): Promise<void>;
}

/** The source's details by its own settings; `show` answers as SHOW prints. */
export async function readDetails(
  systemIdentifier: bigint,
  major: number,
  show: (setting: string) => Promise<string>,
): Promise<SourceDetails> {
  const blockSize = Number(await show("block_size"));
  return {
    major,
    versionNum: Number(await show("server_version_num")),
    systemIdentifier,
    blockSize,
    blocksPerSegment: parseSize(await show("segment_size"), blockSize) / blockSize,
    segmentSizeBytes: parseSize(await show("wal_segment_size"), 1),
    checksumsEnabled: (await show("data_checksums")) === "on",
    dataDirectoryMode: Number.parseInt(await show("data_directory_mode"), 8),
  };
}

/** Throws `version-unsupported` for what is none of 13 to 18. */
export function assertServedMajor(major: number, versionText: string): void {
  if (major >= 13 && major <= 18) return;
  throw new AppError("version-unsupported", { message: `PostgreSQL ${versionText} is none of 13 to 18` });
}

/** Our name for a slot that lives as long as a backup: what PostgreSQL allows of the backup's id (slot.c). */
export function temporarySlotName(backupId: string): string {
  return `tidemark_${backupId}`
    .toLowerCase()
    .replace(/[^a-z0-9_]/g, "_")
    .slice(0, 63);
}

/** Reasons for which no slot can be had and a copy is worth trying all the same. */
export const slotRefusals: ReadonlySet<string> = new Set([
  "replication-slots-exhausted",
  "privilege-missing",
  "replication-not-permitted",
]);

export function slotNote(error: AppError): string {
  return `no replication slot held the WAL during the copy (${error.message})`;
}

/** `16MB`, `1GB`, or a bare number in the setting's own unit (guc.c, convert_int_from_base_unit). */
/** Reads what SHOW says of a size (`16MB`). */
export function parseSize(text: string, baseUnitBytes: number): number {
  const match = /^(\d+)(B|kB|MB|GB|TB)?$/.exec(text);
  const unit = match?.[2] === undefined ? baseUnitBytes : sizeUnits[match[2]];
  if (match === null || unit === undefined) {
    throw new AppError("protocol-violation", { message: `the server calls a size "${text}", which we cannot read` });
  }
  return Number(match[1]) * unit;
}

const sizeUnits: Readonly<Record<string, number>> = { B: 1, kB: 1024, MB: 1024 ** 2, GB: 1024 ** 3, TB: 1024 ** 4 };
