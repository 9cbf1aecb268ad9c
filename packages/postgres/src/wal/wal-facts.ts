import type { Lsn } from "../files/lsn.ts";
import type { ServerLimits } from "../files/server-limits.ts";

/** A committed transaction as its commit record tells it. */
export interface WalCommit {
  /** The server's clock when it committed; whole milliseconds, rounded down. */
  readonly at: Date;
  /** The end of the commit record: recovery up to here includes it. */
  readonly lsn: Lsn;
  /** Of a prepared transaction its own, not the one of the session that committed it. */
  readonly xid: number;
}

/** A named restore point. */
export interface WalRestorePoint {
  readonly name: string;
  readonly at: Date;
  /** The end of its record. */
  readonly lsn: Lsn;
}

/** What `WalScanner` found in one segment. A record belongs to the segment it ends in. */
export interface WalSegmentFactsLike {
  /** First and last in the order of the WAL, which is not quite the order of their times. */
  readonly firstCommit: WalCommit | null;
  readonly lastCommit: WalCommit | null;
  readonly commitCount: number;
  readonly restorePoints: readonly WalRestorePoint[];
  /** `spcOid/dbOid/relNumber` of every relation a record refers to; null when there were over 500 (`relationLimit`). */
  readonly relations: readonly string[] | null;
  /** The end of the last whole record that ends in this segment; null when none does. */
  readonly lastRecordEnd: Lsn | null;
  /** Limits that the server was started with, the highest of each; null: it was not started with others than before. */
  readonly limits: ServerLimits | null;
  /** Where and why the scan lost the records of this segment; null when every byte was understood. */
  readonly problem: string | null;
}
