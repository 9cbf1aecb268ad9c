import { setTimeout as delay } from "node:timers/promises";
import { lsnValue } from "@tidemark/testkit";
import pg from "pg";
import { destroy } from "./commit-ledger.ts";
import type { HistoryPlace } from "./history-place.ts";

/**
 * What the server was told is durable with us, seen from the server: what our receivers reported as flushed, and what
 * its archiver was told is archived. By timeline, the furthest ever said.
 */
export class FlushWatch {
  readonly #place: HistoryPlace;
  readonly #told = new Map<number, bigint>();
  readonly #watching: Promise<void>;
  #isOver = false;

  constructor(place: HistoryPlace) {
    this.#place = place;
    this.#watching = this.#watch();
  }

  toldOn(timeline: number): bigint {
    return this.#told.get(timeline) ?? 0n;
  }

  note(timeline: number, lsn: bigint): void {
    if (lsn > this.toldOn(timeline)) this.#told.set(timeline, lsn);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#watching;
  }

  async #watch(): Promise<void> {
    while (!this.#isOver) {
      const { server, timeline } = this.#place.current;
      const client = new pg.Client({ connectionString: server.dsn(), connectionTimeoutMillis: 2_000 });
      client.on("error", () => undefined);
      try {
        await client.connect();
        while (!this.#isOver && this.#place.current.server === server) await this.#look(client, timeline);
      } catch {
        // It is down just now, or on its way up.
        await delay(everyMs);
      } finally {
        destroy(client);
      }
    }
  }

  async #look(client: pg.Client, timeline: number): Promise<void> {
    const { rows } = await client.query<{ flushed: string | null; archived: string | null }>(
      `SELECT (SELECT max(flush_lsn)::text FROM pg_stat_replication WHERE application_name LIKE 'tidemark\\_%') AS flushed,
              (SELECT last_archived_wal FROM pg_stat_archiver) AS archived`,
    );
    const [row] = rows;
    if (row?.flushed != null) this.note(timeline, lsnValue(row.flushed));
    const name = /^([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})$/.exec(row?.archived ?? "");
    if (name !== null) this.note(Number.parseInt(name[1] ?? "", 16), segmentEnd(name[2] ?? "", name[3] ?? ""));
    await delay(everyMs);
  }
}

/** Segments of 1 MiB: 4,096 to a log. */
function segmentEnd(log: string, segment: string): bigint {
  return (BigInt(`0x${log}`) << 32n) + (BigInt(`0x${segment}`) + 1n) * 0x10_0000n;
}

const everyMs = 30;
