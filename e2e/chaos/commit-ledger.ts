import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { lsnValue, type TestServer } from "@tidemark/testkit";
import pg from "pg";

/** Where the WAL stood and what the server's clock said, as one statement told. */
export interface Instant {
  readonly lsn: bigint;
  readonly at: Date;
}

/** One transaction that was sent. */
export interface LedgerCommit {
  /** Never used twice. */
  readonly id: number;
  /** Of the server it was sent to. */
  readonly timeline: number;
  /** Its rows: all or none of them are there. */
  readonly parts: number;
  readonly bytes: number;
  readonly before: Instant;
  /** Null: its acknowledgement never came, so it may be there or not. */
  acknowledged: { readonly xid: number; readonly after: Instant } | null;
}

export interface LedgerPlace {
  readonly server: TestServer;
  readonly timeline: number;
}

/**
 * Writers that commit without pause and note outside the server what was acknowledged, through deaths of the server and
 * to whichever server `place` names now.
 */
export class CommitLedger {
  readonly commits: LedgerCommit[] = [];
  readonly #place: () => LedgerPlace;
  readonly #random: () => number;
  readonly #writing: Promise<void>[];
  readonly #clients = new Set<pg.Client>();
  #isOver = false;
  #failure: unknown = null;

  constructor(place: () => LedgerPlace, writers: number, random: () => number) {
    this.#place = place;
    this.#random = random;
    this.#writing = Array.from({ length: writers }, () =>
      this.#write().catch((error: unknown) => {
        this.#failure ??= error;
      }),
    );
  }

  static async prepare(server: TestServer): Promise<void> {
    await server.query("CREATE TABLE ledger (id int, part int, body text, PRIMARY KEY (id, part))");
    await server.query("ALTER TABLE ledger ALTER body SET STORAGE EXTERNAL");
  }

  get acknowledged(): number {
    return this.commits.filter((commit) => commit.acknowledged !== null).length;
  }

  /** Stops the writers; one that waits for an answer is cut off. */
  async stop(): Promise<void> {
    this.#isOver = true;
    for (const client of this.#clients) destroy(client);
    await Promise.all(this.#writing);
    if (this.#failure !== null) throw this.#failure;
  }

  async #write(): Promise<void> {
    while (!this.#isOver) {
      const { server, timeline } = this.#place();
      const client = new pg.Client({ connectionString: server.dsn(), connectionTimeoutMillis: 5_000 });
      client.on("error", () => undefined);
      this.#clients.add(client);
      try {
        await client.connect();
        while (!this.#isOver && this.#place().server === server) await this.#commit(client, timeline);
      } catch (error) {
        // What the server said of a statement of ours is our fault, unless it was going away, coming up or a standby.
        if (error instanceof pg.DatabaseError && !/^(57|25006|55|08|53300)/.test(error.code ?? "")) throw error;
        await delay(retryMs);
      } finally {
        this.#clients.delete(client);
        destroy(client);
      }
    }
  }

  async #commit(client: pg.Client, timeline: number): Promise<void> {
    const parts = 1 + Math.floor(this.#random() * 3);
    const bytes = this.#random() < largeShare ? 150_000 : 200;
    const before = await instantOf(client);
    const commit: LedgerCommit = { id: this.commits.length + 1, timeline, parts, bytes, before, acknowledged: null };
    this.commits.push(commit);
    const { rows } = await client.query<{ xid: string }>(
      `INSERT INTO ledger SELECT $1, n, rpad('', $3, $1::int || '.' || n || ' ') FROM generate_series(1, $2::int) AS n
         RETURNING (txid_current() % 4294967296)::text AS xid`,
      [commit.id, parts, bytes],
    );
    commit.acknowledged = { xid: Number(rows[0]?.xid), after: await instantOf(client) };
    await delay(this.#random() * 10);
  }
}

/** What a row holds: computable again, so that a changed byte shows. */
export function bodyOf(id: number, part: number, bytes: number): string {
  return `${id}.${part} `.repeat(Math.ceil(bytes / 4)).slice(0, bytes);
}

async function instantOf(client: pg.Client): Promise<Instant> {
  const { rows } = await client.query<{ lsn: string; at: Date }>(
    "SELECT pg_current_wal_insert_lsn()::text AS lsn, clock_timestamp() AS at",
  );
  return { lsn: lsnValue(rows[0]?.lsn ?? ""), at: rows[0]?.at ?? new Date(0) };
}

/**
 * Without a word of parting: the server may hang, or be gone. Not by `end`, after which a connection that is just being
 * made never tells that it failed.
 */
export function destroy(client: pg.Client): void {
  const { connection } = client as unknown as { readonly connection: { readonly stream: Socket } };
  connection.stream.destroy(new Error("cut off by the test"));
}

const retryMs = 50;
/** Enough for a segment of 1 MiB to end every few hundred milliseconds. */
const largeShare = 0.08;
