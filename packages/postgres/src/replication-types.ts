import type { Logger } from "@tidemark/kit";
import type { BaseBackupOptions, BaseBackupStream } from "./base-backup-events.ts";
import type { Lsn } from "./lsn.ts";
import type { SystemIdentity } from "./server-facts.ts";

export interface SessionOptions {
  /** Ends the session at once, wherever it is; what was pending rejects with `cancelled`. */
  readonly signal?: AbortSignal | undefined;
  readonly logger?: Logger | undefined;
  /** For reaching and logging in, per host; the settings' connect_timeout comes first. 10,000 unless given. */
  readonly timeoutMs?: number | undefined;
}

export interface ReplicationSlot {
  readonly kind: "physical" | "logical";
  readonly restartLsn: Lsn | null;
  readonly restartTimeline: number | null;
}

export interface TimelineHistoryFile {
  /** `00000002.history` */
  readonly fileName: string;
  readonly content: Uint8Array;
}

/**
 * A session of the streaming replication protocol (PostgreSQL manual, "Streaming Replication Protocol"): physical,
 * bound to no database. One command at a time; a second one while a base backup runs is refused as `internal`.
 *
 * Every method throws an AppError with a code of the group "reaching and using a managed server";
 * `connection-lost` when the session ended meanwhile.
 */
export interface ReplicationSession {
  /** server_version as reported at login, and its major. */
  readonly versionText: string;
  readonly major: number;
  readonly isEncrypted: boolean;
  identifySystem(): Promise<SystemIdentity>;
  /** The value of a server setting as SHOW prints it (`16MB`, `0700`). */
  show(setting: string): Promise<string>;
  /** A physical slot that holds WAL from now on and goes away with this session. */
  createTemporarySlot(name: string): Promise<void>;
  /** A physical slot that stays until dropped; `reserveWal`: hold WAL from now on, not from its first use. */
  createPhysicalSlot(name: string, options: { readonly reserveWal: boolean }): Promise<void>;
  dropSlot(name: string): Promise<void>;
  /** Null when there is none of that name. Servers from 15 on; 13 and 14 throw `version-unsupported` (ask over SQL). */
  readReplicationSlot(name: string): Promise<ReplicationSlot | null>;
  /** Null for timeline 1, which has no history. */
  timelineHistory(timeline: number): Promise<TimelineHistoryFile | null>;
  baseBackup(options: BaseBackupOptions): BaseBackupStream;
  /** Says goodbye and waits until the socket is closed. Idempotent; never throws. */
  close(): Promise<void>;
}
