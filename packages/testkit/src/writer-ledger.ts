import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";

/** One row the writer committed (or may have), with where the WAL stood around it. */
export interface LedgerEntry {
  readonly id: number;
  /** The WAL insert position before the row's transaction began. */
  readonly lsnBefore: bigint;
  /** The WAL insert position after its commit was acknowledged; null when the acknowledgement never came. */
  readonly lsnAfter: bigint | null;
}

export interface LedgerComparison {
  readonly restoredRows: number;
  /** Rows acknowledged before the stop position that the restored server lacks: lost data. */
  readonly lost: readonly number[];
  /** Rows begun after the stop position that the restored server has: data from the future. */
  readonly fromTheFuture: readonly number[];
  /** Rows missing although a later one is there: what is restored is not a prefix of what was written. */
  readonly holes: readonly number[];
  /** Rows whose content is not what was written. */
  readonly changed: readonly number[];
  /** The sentence for an assertion: `whole`, or what is wrong. */
  readonly verdict: string;
}

/**
 * A writer that commits one row after the other without pause and notes outside the server where the WAL stood before
 * and after each commit. After a restore to a known position, `compare` says whether exactly the right rows are there:
 * what had been committed by then is, what began after it is not, and the rest is a prefix.
 */
export interface WriterLedger extends AsyncDisposable {
  readonly table: string;
  readonly entries: readonly LedgerEntry[];
  /** Resolves when `count` more rows have been acknowledged. */
  advance(count: number): Promise<void>;
  /** Stops after the row in flight. Throws what the writer failed with, unless it was the server going away. */
  stop(): Promise<void>;
  compare(restored: pg.Client, stopLsn: bigint): Promise<LedgerComparison>;
}

export interface WriterLedgerOptions {
  /** Default `ledger`; made by the writer. */
  readonly table?: string;
  /** Put the table into this tablespace. */
  readonly tablespace?: string;
  /** Bytes of text per row beside its id; default 200. */
  readonly rowBytes?: number;
}

export async function startWriterLedger(dsn: string, options: WriterLedgerOptions = {}): Promise<WriterLedger> {
  const table = options.table ?? "ledger";
  const rowBytes = options.rowBytes ?? 200;
  const client = new pg.Client(dsn);
  let lost: Error | null = null;
  client.on("error", (error) => {
    lost = error;
  });
  await client.connect();
  const place = options.tablespace === undefined ? "" : ` TABLESPACE "${options.tablespace}"`;
  await client.query(`CREATE TABLE "${table}" (id integer PRIMARY KEY, body text NOT NULL)${place}`);
  const entries: MutableEntry[] = [];
  let stopping = false;
  const writing = writeOn(client, table, rowBytes, entries, () => stopping);
  let failure: unknown = null;
  writing.catch((error: unknown) => {
    failure = error;
  });
  const stop = async () => {
    stopping = true;
    try {
      await writing;
    } catch (error) {
      if (!isServerGone(error) && lost === null) throw error;
    } finally {
      await client.end().catch(() => undefined);
    }
  };
  return {
    table,
    entries,
    advance: async (count) => {
      const wanted = acknowledged(entries) + count;
      while (acknowledged(entries) < wanted) {
        if (failure !== null) throw failure;
        await delay(5);
      }
    },
    stop,
    compare: async (restored, stopLsn) => compareRows(await readRows(restored, table), entries, stopLsn, rowBytes),
    [Symbol.asyncDispose]: stop,
  };
}

interface MutableEntry {
  readonly id: number;
  readonly lsnBefore: bigint;
  lsnAfter: bigint | null;
}

async function writeOn(
  client: pg.Client,
  table: string,
  rowBytes: number,
  entries: MutableEntry[],
  shouldStop: () => boolean,
): Promise<void> {
  for (let id = 1; !shouldStop(); id++) {
    const entry: MutableEntry = { id, lsnBefore: await insertPosition(client), lsnAfter: null };
    entries.push(entry);
    await client.query(`INSERT INTO "${table}" VALUES ($1, $2)`, [id, bodyOf(id, rowBytes)]);
    entry.lsnAfter = await insertPosition(client);
  }
}

async function insertPosition(client: pg.Client): Promise<bigint> {
  const { rows } = await client.query<{ lsn: string }>("SELECT pg_current_wal_insert_lsn()::text AS lsn");
  return lsnValue(rows[0]?.lsn ?? "");
}

/** The number of an LSN as PostgreSQL prints it (`16/B374D848`). */
export function lsnValue(text: string): bigint {
  const match = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i.exec(text);
  if (match === null) throw new RangeError(`not an LSN: ${text}`);
  return (BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`);
}

/** Compares what a restored server holds with what was written; pure, so that the comparison itself is tested. */
export function compareRows(
  restored: ReadonlyMap<number, string>,
  entries: readonly LedgerEntry[],
  stopLsn: bigint,
  rowBytes: number,
): LedgerComparison {
  const lost = entries.filter((e) => e.lsnAfter !== null && e.lsnAfter <= stopLsn && !restored.has(e.id));
  const future = entries.filter((e) => e.lsnBefore > stopLsn && restored.has(e.id));
  const newest = Math.max(0, ...restored.keys());
  const holes = entries.filter((e) => e.id < newest && !restored.has(e.id));
  const changed = [...restored].filter(([id, body]) => body !== bodyOf(id, rowBytes)).map(([id]) => id);
  const counts: readonly (readonly [string, number])[] = [
    ["lost", lost.length],
    ["from the future", future.length],
    ["missing amid the others", holes.length],
    ["changed", changed.length],
  ];
  const wrong = counts.filter(([, count]) => count > 0).map(([what, count]) => `${count} ${what}`);
  return {
    restoredRows: restored.size,
    lost: lost.map((e) => e.id),
    fromTheFuture: future.map((e) => e.id),
    holes: holes.map((e) => e.id),
    changed,
    verdict: wrong.length === 0 ? "whole" : wrong.join(", "),
  };
}

async function readRows(client: pg.Client, table: string): Promise<ReadonlyMap<number, string>> {
  const { rows } = await client.query<{ id: number; body: string }>(`SELECT id, body FROM "${table}"`);
  return new Map(rows.map(({ id, body }) => [id, body]));
}

/** What row `id` holds: computable again, so that a changed byte shows. */
function bodyOf(id: number, rowBytes: number): string {
  return `${id}:`.repeat(Math.ceil(rowBytes / `${id}:`.length)).slice(0, rowBytes);
}

function acknowledged(entries: readonly MutableEntry[]): number {
  return entries.at(-1)?.lsnAfter === null ? entries.length - 1 : entries.length;
}

function isServerGone(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "code" in error ? String(error.code) : "";
  return (
    /^(57P0[123]|ECONNRESET|EPIPE|ECONNREFUSED)$/.test(code) ||
    /Connection terminated|not queryable/.test(error.message)
  );
}
