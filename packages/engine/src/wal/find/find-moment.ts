import { setImmediate } from "node:timers/promises";
import { AppError } from "@tidemark/kit";
import type { RecoveryTarget } from "@tidemark/policy";
import {
  decodeCheckpoint,
  decodeTransactionEnd,
  resourceManagers,
  type TransactionEnd,
  WalReader,
  type WalRecord,
} from "@tidemark/postgres";
import { throwIfCancelled } from "../../act.ts";
import type { BackupRelationNames } from "./backup-relation-names.ts";
import { type MomentChange, type MomentFilter, momentChanges } from "./moment-changes.ts";
import { OpenTransactions } from "./open-transactions.ts";
import type { WalStretchSegment } from "./wal-stretch.ts";

/** A transaction that took rows or relations away. */
export interface Moment {
  readonly xid: number;
  readonly commitAt: Date;
  /** The end of its commit record. */
  readonly commitLsn: bigint;
  readonly timeline: number;
  /** At least one; the gravest first. */
  readonly changes: readonly MomentChange[];
  /** Just before it. */
  readonly target: RecoveryTarget & { readonly kind: "xid" };
}

export interface FindMomentRequest extends MomentFilter {
  /** Only what was committed between these, by the server's clock. */
  readonly from: Date;
  readonly to: Date;
  readonly segmentSizeBytes: number;
  /** Find no more than this; default 100. */
  readonly mostMoments?: number;
}

export interface FindMomentProgress {
  readonly doneBytes: bigint;
  /** Where in the WAL, and in time, the search is. */
  readonly lsn: bigint;
  readonly at: Date | null;
}

export interface FoundMoments {
  /** In the order of their commits. */
  readonly moments: readonly Moment[];
  readonly readBytes: bigint;
  readonly transactions: number;
  /** The last commit that was read; null when there was none. */
  readonly readUntil: Date | null;
  /** Why there may be more than was found; empty when the search was whole. */
  readonly limits: readonly string[];
}

/**
 * Searches the WAL for transactions that dropped, truncated, or deleted or updated many rows of relations of one database.
 *
 * `wal` should begin at or before the backup that the names are from: then relations are known by the names and files they
 * had at each moment, even those that are younger than the backup. With WAL from later on, only by those of the backup.
 * Memory: one record of the WAL, counts of open transactions (bounded), the database's pg_class.
 *
 * Throws `not-found` when the relation asked for was never there, `wal-missing` and whatever reading the WAL throws, and
 * `cancelled`.
 */
export async function findMoment(
  deps: { readonly names: BackupRelationNames; readonly wal: AsyncIterable<WalStretchSegment> },
  request: FindMomentRequest,
  control: { readonly signal: AbortSignal; readonly onProgress?: (progress: FindMomentProgress) => void },
): Promise<FoundMoments> {
  const search = new MomentSearch(deps.names, request);
  for await (const segment of deps.wal) {
    search.begin(segment);
    for await (const bytes of segment.read()) {
      for (let at = 0; at < bytes.length; at += sliceBytes) {
        search.push(bytes.subarray(at, at + sliceBytes));
        // Heartbeats and locks of the process get their turn.
        await setImmediate();
        throwIfCancelled(control.signal);
      }
    }
    search.endSegment();
    control.onProgress?.(search.progress);
    if (search.isDone) break;
  }
  return search.result();
}

class MomentSearch {
  readonly #names: BackupRelationNames;
  readonly #request: FindMomentRequest;
  readonly #open: OpenTransactions;
  readonly #moments: Moment[] = [];
  readonly #limits = new Set<string>();
  #reader: WalReader | null = null;
  #timeline = 0;
  #readBytes = 0n;
  #transactions = 0;
  #readUntil: Date | null = null;
  #isKnown: boolean;
  #isPast = false;
  #isFull = false;

  constructor(names: BackupRelationNames, request: FindMomentRequest) {
    this.#names = names;
    this.#request = request;
    this.#open = new OpenTransactions(names);
    this.#isKnown = this.#findRelation();
  }

  get isDone(): boolean {
    return this.#isPast || this.#isFull;
  }

  get progress(): FindMomentProgress {
    return { doneBytes: this.#readBytes, lsn: this.#reader?.position ?? 0n, at: this.#readUntil };
  }

  /** The next segment; where it does not follow what was read, what lies between is unknown. */
  begin({ timeline, startLsn }: WalStretchSegment): void {
    this.#timeline = timeline;
    if (this.#reader !== null && this.#reader.end === null && this.#reader.position === startLsn) return;
    const { major, names } = this.#names;
    if (this.#reader !== null) {
      this.#limits.add("the WAL has a hole in the stretch that was searched");
      names.forgetPlaces();
    } else if (startLsn > this.#names.startLsn) {
      this.#limits.add("the WAL between the backup and the stretch was not read: names are those of the backup");
      names.forgetPlaces();
    }
    this.#reader = new WalReader({
      ...{ major, startLsn, segmentSizeBytes: this.#request.segmentSizeBytes, checkCrc: false },
    });
  }

  push(bytes: Uint8Array): void {
    this.#readBytes += BigInt(bytes.length);
    if (this.#reader === null || this.isDone) return;
    for (const record of this.#reader.push(bytes)) this.#take(record);
  }

  endSegment(): void {
    const end = this.#reader?.end ?? null;
    if (end !== null && !end.reason.startsWith("there is no record")) {
      this.#limits.add(`the WAL could not be followed: ${end.reason}`);
    }
  }

  result(): FoundMoments {
    const { relation, database } = this.#request;
    if (relation !== null && !this.#isKnown) {
      throw new AppError("not-found", {
        message: `the database ${database} had no relation ${relation.schema}.${relation.name} in the backup or the WAL behind it`,
        hint: "names are compared exactly, in the case that PostgreSQL stores",
      });
    }
    if (this.#isFull) this.#limits.add(`there may be more: only ${this.#moments.length} were asked for`);
    if (this.#open.forgotten > 0) this.#limits.add("so many transactions were open at once that some were not counted");
    return {
      ...{ moments: this.#moments, readBytes: this.#readBytes, transactions: this.#transactions },
      ...{ readUntil: this.#readUntil, limits: [...this.#limits] },
    };
  }

  #take(record: WalRecord): void {
    if (this.isDone) return;
    if (record.lsn >= this.#names.startLsn) this.#names.names.take(record);
    this.#open.take(record);
    if (record.rmgr === resourceManagers.transaction) this.#takeEnd(record);
    else if (record.rmgr === resourceManagers.server) {
      const checkpoint = decodeCheckpoint(record);
      if (checkpoint !== null) this.#names.names.abort(this.#open.passCheckpoint(checkpoint));
    }
  }

  #takeEnd(record: WalRecord): void {
    const end = decodeTransactionEnd(record, this.#names.major);
    if (end === null) return;
    this.#transactions++;
    const xids = [end.xid, ...end.subXids];
    if (end.kind === "abort") {
      this.#open.end(xids);
      this.#names.names.abort(xids);
      return;
    }
    this.#readUntil = end.at;
    this.#takeCommit(record, end, xids);
    // Commits are in the WAL in an order that is not quite that of their times.
    this.#isPast = end.at.getTime() > this.#request.to.getTime() + commitOrderSlackMs;
  }

  #takeCommit(record: WalRecord, end: TransactionEnd, xids: readonly number[]): void {
    const { names } = this.#names;
    const { from, to, mostMoments = 100 } = this.#request;
    const tally = this.#open.end(xids);
    const changes = momentChanges({ names, end, tally, xids, filter: this.#request });
    if (!this.#isKnown && xids.length > 0) this.#isKnown = this.#findRelation();
    if (changes.length === 0 || end.at < from || end.at > to) return;
    this.#moments.push({
      ...{ xid: end.xid, commitAt: end.at, commitLsn: record.endLsn, timeline: this.#timeline, changes },
      target: { kind: "xid", xid: end.xid, inclusive: false },
    });
    this.#isFull = this.#moments.length >= mostMoments;
  }

  #findRelation(): boolean {
    const { relation } = this.#request;
    return relation === null || this.#names.names.find(relation.schema, relation.name) !== null;
  }
}

/** About 5 ms of reading. */
const sliceBytes = 256 * 1024;
/** How much later in the WAL a commit may be than one with a later time. */
export const commitOrderSlackMs = 60_000;
