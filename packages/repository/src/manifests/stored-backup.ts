import type { BackupReading, BackupWalRange } from "./backup-reading.ts";
import type { BackupConfiguration, BackupEnvironment, BackupMethod } from "./backup-surroundings.ts";
import type { TrustFinding } from "./trust-finding.ts";
import type { YoungPages } from "./young-pages.ts";

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
