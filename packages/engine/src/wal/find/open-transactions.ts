import {
  type CheckpointRecord,
  decodeDatabase,
  decodeHeapChange,
  decodeStorage,
  heapChangeKind,
  isFullPageImage,
  type RelationFileId,
  resourceManagers,
  type WalRecord,
} from "@tidemark/postgres";

/** Rows of one file that a transaction changed. */
export interface FileTally {
  readonly file: RelationFileId;
  inserted: number;
  updated: number;
  deleted: number;
}

/** What a transaction, or one of its subtransactions, has done to the files of the database. */
export interface TransactionTally {
  readonly files: Map<string, FileTally>;
  /** Files it made, and whether anything was put into them. */
  readonly created: Map<string, { readonly file: RelationFileId; hasRows: boolean }>;
  droppedDatabase: boolean;
}

/** Counts what the transactions of one database do until they end, in bounded memory. */
export class OpenTransactions {
  /** Transactions whose counts were given up because there were too many. */
  forgotten = 0;
  readonly #dbOid: number;
  readonly #major: number;
  readonly #tallies = new Map<number, TransactionTally>();
  #entries = 0;

  constructor(database: { readonly dbOid: number; readonly major: number }) {
    this.#dbOid = database.dbOid;
    this.#major = database.major;
  }

  take(record: WalRecord): void {
    if (record.xid === 0) return;
    const { rmgr } = record;
    if (rmgr === resourceManagers.heap || rmgr === resourceManagers.heap2) this.#takeRows(record);
    else if (rmgr === resourceManagers.storage) this.#takeStorage(record);
    else if (rmgr === resourceManagers.server) this.#takeImages(record);
    else if (rmgr === resourceManagers.database) this.#takeDatabase(record);
  }

  /** What the transaction with its subtransactions did; it is forgotten here. */
  end(xids: readonly number[]): TransactionTally {
    const total = emptyTally();
    for (const xid of xids) {
      const tally = this.#remove(xid);
      if (tally === null) continue;
      total.droppedDatabase ||= tally.droppedDatabase;
      for (const [key, { file, inserted, updated, deleted }] of tally.files) {
        const sum = total.files.get(key) ?? { file, inserted: 0, updated: 0, deleted: 0 };
        sum.inserted += inserted;
        sum.updated += updated;
        sum.deleted += deleted;
        total.files.set(key, sum);
      }
      for (const [key, created] of tally.created) total.created.set(key, created);
    }
    // A file may be made in one subtransaction and filled in another.
    for (const [key, created] of total.created) if ((total.files.get(key)?.inserted ?? 0) > 0) created.hasRows = true;
    return total;
  }

  /** Transactions older than the oldest that runs have ended without a word (a crash); these are given back. */
  passCheckpoint({ kind, oldestActiveXid }: CheckpointRecord): readonly number[] {
    if (kind === "shutdown" || oldestActiveXid === 0) return [];
    // Transaction numbers go round (TransactionIdPrecedes, transam.c).
    const gone = [...this.#tallies.keys()].filter((xid) => ((xid - oldestActiveXid) | 0) < 0);
    for (const xid of gone) this.#remove(xid);
    return gone;
  }

  #takeRows(record: WalRecord): void {
    if (heapChangeKind(record.rmgr, record.info) === null) return;
    const change = decodeHeapChange(record);
    if (change === null || change.file.dbOid !== this.#dbOid) return;
    const tally = this.#tallyOf(record.xid);
    const key = fileKey(change.file);
    let counts = tally.files.get(key);
    if (counts === undefined) {
      counts = { file: change.file, inserted: 0, updated: 0, deleted: 0 };
      tally.files.set(key, counts);
      this.#grow();
    }
    if (change.kind === "insert") counts.inserted += change.rows;
    else if (change.kind === "update") counts.updated += change.rows;
    else counts.deleted += change.rows;
  }

  #takeStorage(record: WalRecord): void {
    const change = decodeStorage(record);
    if (change?.kind !== "create" || change.fork !== 0 || change.file.dbOid !== this.#dbOid) return;
    this.#tallyOf(record.xid).created.set(fileKey(change.file), { file: change.file, hasRows: false });
    this.#grow();
  }

  /** A rewritten table is written page by page, as images. */
  #takeImages(record: WalRecord): void {
    const created = this.#tallies.get(record.xid)?.created;
    if (created === undefined || created.size === 0 || !isFullPageImage(record)) return;
    for (const block of record.blocks()) {
      const file = created.get(fileKey(block));
      if (file !== undefined && block.fork === 0) file.hasRows = true;
    }
  }

  #takeDatabase(record: WalRecord): void {
    const change = decodeDatabase(record, this.#major);
    if (change?.kind === "drop" && change.dbOid === this.#dbOid) this.#tallyOf(record.xid).droppedDatabase = true;
  }

  #tallyOf(xid: number): TransactionTally {
    let tally = this.#tallies.get(xid);
    if (tally === undefined) {
      tally = emptyTally();
      this.#tallies.set(xid, tally);
      this.#grow();
    }
    return tally;
  }

  #grow(): void {
    this.#entries++;
    if (this.#entries <= entryLimit) return;
    const [oldest] = this.#tallies.keys();
    if (oldest === undefined) return;
    this.#remove(oldest);
    this.forgotten++;
  }

  #remove(xid: number): TransactionTally | null {
    const tally = this.#tallies.get(xid);
    if (tally === undefined) return null;
    this.#tallies.delete(xid);
    this.#entries -= 1 + tally.files.size + tally.created.size;
    return tally;
  }
}

export function fileKey({ spcOid, relNumber }: RelationFileId): string {
  return `${spcOid}/${relNumber}`;
}

/** Some 30 MiB of counts. */
const entryLimit = 200_000;

function emptyTally(): TransactionTally {
  return { files: new Map(), created: new Map(), droppedDatabase: false };
}
