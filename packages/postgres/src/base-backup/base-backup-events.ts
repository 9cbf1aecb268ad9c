import type { Lsn } from "../files/lsn.ts";
import type { IncrementalHeader, RelationLayout } from "./incremental-header.ts";

/** How the server is asked for a base backup. */
export interface BaseBackupOptions {
  /** Written into backup_label and visible in pg_stat_progress_basebackup's session. At most 1,024 bytes. */
  readonly label: string;
  /** `fast` asks for an immediate checkpoint (a burst of writes); `spread` waits for a paced one (minutes). */
  readonly checkpoint: "fast" | "spread";
  /** Upper bound of the server's sending rate in KiB/s, 32 … 1,048,576 (src/include/backup: MAX_RATE_LOWER/UPPER). */
  readonly maxRateKib?: number | undefined;
  /** Include the WAL from start to stop in pg_wal, so that the backup restores by itself. */
  readonly includeWal: boolean;
  /** Let the server estimate the size first; it walks every file once. */
  readonly progress: boolean;
  /**
   * Only blocks that changed since the backup whose manifest was uploaded in this session (`uploadManifest`), of the files
   * that manifest lists. 17 and newer. How the cluster cuts its relations must be known to read what it sends.
   */
  readonly incremental?: RelationLayout | undefined;
}

/** A tablespace as the server announces it before the copy. */
export interface BackupTablespace {
  readonly oid: number;
  /** Its folder on the server, as bytes of the server's file system shown as UTF-8. */
  readonly path: string;
  /** The server's estimate in KiB; null when `progress` was not asked for. */
  readonly sizeKib: bigint | null;
}

/**
 * What a base backup consists of, in the order the server sends it.
 *
 * Paths are bytes relative to the data directory, without a leading `./` or a trailing slash; members of a tablespace
 * are mapped to `pg_tblspc/<oid>/…`. They are checked: never absolute, never with a `..` part. Names need not be UTF-8.
 *
 * A `chunk` is only valid until the next event is pulled: it is a window on a buffer that is read into again. Copy it
 * to keep it. Every `file-begin` is followed by exactly `sizeBytes` of `file-data` and one `file-end`.
 */
export type BaseBackupEvent =
  | {
      readonly kind: "start";
      readonly startLsn: Lsn;
      readonly timeline: number;
      /** Without the data directory itself. */
      readonly tablespaces: readonly BackupTablespace[];
      /** The server's estimate over all of it, without the WAL; null when `progress` was not asked for. */
      readonly estimatedBytes: bigint | null;
    }
  /** A new archive: the data directory (`oid` null) or a tablespace. */
  | { readonly kind: "archive-begin"; readonly oid: number | null }
  | { readonly kind: "directory"; readonly path: Uint8Array; readonly mode: number; readonly modifiedAt: Date }
  | { readonly kind: "symlink"; readonly path: Uint8Array; readonly target: Uint8Array; readonly mode: number }
  | {
      readonly kind: "file-begin";
      readonly path: Uint8Array;
      /** Permission bits. */
      readonly mode: number;
      readonly sizeBytes: number;
      readonly modifiedAt: Date;
    }
  | { readonly kind: "file-data"; readonly chunk: Uint8Array }
  | { readonly kind: "file-end" }
  /**
   * Only in an incremental copy: the changed blocks of a file, which are the `file-data` up to `increment-end`, whole and
   * in the order of `header.blocks`.
   */
  | {
      readonly kind: "increment-begin";
      /** Of the relation's file. */
      readonly path: Uint8Array;
      /** As the server named it (`…/INCREMENTAL.<name>`), as its manifest does. */
      readonly sentPath: Uint8Array;
      /** With the header. */
      readonly sentBytes: number;
      readonly mode: number;
      readonly modifiedAt: Date;
      readonly header: IncrementalHeader;
    }
  /** The CRC-32C of all that was sent of it, header included: what the server's manifest lists. */
  | { readonly kind: "increment-end"; readonly sentCrc32c: number }
  /** Bytes of `backup_manifest`; it may be larger than memory. Feed a BackupManifestReader. */
  | { readonly kind: "manifest-data"; readonly chunk: Uint8Array }
  | { readonly kind: "manifest-end" }
  /** Archive bytes received so far, comparable to `estimatedBytes`; every 4 MiB and at each archive's end. */
  | { readonly kind: "progress"; readonly doneBytes: bigint }
  /** Always last. Without it the copy is not a backup, however much of it arrived. */
  | { readonly kind: "end"; readonly stopLsn: Lsn; readonly stopTimeline: number };

/** A running base backup. Pull its events at your own pace: what is not pulled stays with the server. */
export interface BaseBackupStream {
  /**
   * The events, once. Leaving the loop early ends the session (the server abandons the backup).
   *
   * @throws AppError `backup-session-lost` when the connection ended, `cancelled` when the session's signal fired,
   * `backup-stream-damaged` for bytes that make no sense, `backup-member-refused` for a dangerous name,
   * `wal-removed`, `wal-level-minimal` … when the server gave up with an error.
   */
  events(): AsyncGenerator<BaseBackupEvent, void, undefined>;
  /**
   * The same, once, in portions of what has come, for whoever takes most events without waiting: a promise for each is a good
   * part of what receiving costs. Take each portion to its end before the next.
   */
  turns(): AsyncGenerator<Iterable<BaseBackupEvent>, void, undefined>;
}
