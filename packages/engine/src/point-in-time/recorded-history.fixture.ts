import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { decodeTransactionEnd, parseWalSegmentName, WalReader, WalScanner } from "@tidemark/postgres";
import type { WalArchive } from "@tidemark/repository";
import { lsnValue, type TestServer } from "@tidemark/testkit";

/** For tests: a row that was committed, with the transaction that did it and where its commit record is. */
export interface RecordedCommit {
  readonly id: number;
  readonly xid: number;
  /** Cut to milliseconds. */
  readonly at: Date;
  /** Where its commit record begins and ends. */
  readonly lsn: bigint;
  readonly endLsn: bigint;
}

/** What was committed on one timeline, in order; positions are known once its WAL was archived. */
export class RecordedTimeline {
  readonly server: TestServer;
  readonly archive: WalArchive;
  readonly ids = new Map<number, number>();
  readonly commits: RecordedCommit[] = [];

  constructor(server: TestServer, archive: WalArchive) {
    this.server = server;
    this.archive = archive;
  }

  /** Commits rows with the next ids, each in a transaction of its own and in a millisecond of its own; some others roll back. */
  async commit(ids: readonly number[]): Promise<void> {
    const client = await this.server.client();
    for (const id of ids) {
      await client.query("BEGIN");
      await client.query("INSERT INTO ledger VALUES ($1, repeat('x', 300))", [id]);
      const { rows } = await client.query<{ xid: string }>("SELECT (txid_current() % 4294967296)::text AS xid");
      await client.query("COMMIT");
      this.ids.set(Number(rows[0]?.xid), id);
      await client.query("SELECT pg_sleep(0.002)");
      if (id % 3 !== 0) continue;
      await client.query(`BEGIN; INSERT INTO ledger VALUES (${-id}, 'never'); ROLLBACK`);
    }
    await client.end();
  }

  /** Puts every whole segment of the running server's timeline into the archive, and what there is of the last in pieces. */
  async archiveWal(): Promise<void> {
    const { dataDir } = this.server;
    const [row] = await this.server.query<{ lsn: string; name: string; size: string }>(
      "SELECT pg_current_wal_flush_lsn()::text AS lsn, pg_walfile_name(pg_current_wal_insert_lsn()) AS name, pg_size_bytes(current_setting('wal_segment_size'))::text AS size",
    );
    const flushedLsn = lsnValue(row?.lsn ?? "");
    const sizeBytes = Number(row?.size);
    const timeline = Number.parseInt(row?.name.slice(0, 8) ?? "", 16);
    const found = (await readdir(join(dataDir, "pg_wal"))).sort().flatMap((name) => {
      const segment = parseWalSegmentName(name, sizeBytes);
      return segment?.timeline === timeline && segment.startLsn < flushedLsn
        ? [{ name, startLsn: segment.startLsn }]
        : [];
    });
    const history = `${row?.name.slice(0, 8)}.history`;
    if (timeline > 1) await this.archive.putHistory(timeline, await readFile(join(dataDir, "pg_wal", history)));
    const startLsn = found[0]?.startLsn ?? 0n;
    const reading = { major: this.server.major, segmentSizeBytes: sizeBytes, startLsn };
    const scanner = new WalScanner({ ...reading, timeline });
    const reader = new WalReader({ ...reading, checkCrc: true });
    for (const { name, startLsn: from } of found) {
      const bytes = await readFile(join(dataDir, "pg_wal", name));
      const place = { timeline, startLsn: from, sizeBytes };
      const there = bytes.subarray(0, Number(flushedLsn - from));
      this.#note(reader, there);
      scanner.push(there);
      if (there.length === sizeBytes) await this.archive.putSegment(place, once(bytes), scanner.takeFacts());
      else await this.#putPieces(place, there);
    }
  }

  async #putPieces(place: Parameters<WalArchive["beginSegment"]>[0], bytes: Uint8Array): Promise<void> {
    const writer = await this.archive.beginSegment(place, { writer: "test" });
    await writer.write(bytes);
    await writer.flush();
    await writer.abandon();
  }

  #note(reader: WalReader, bytes: Uint8Array): void {
    for (const record of reader.push(bytes)) {
      const end = decodeTransactionEnd(record, this.server.major);
      const id = end?.kind === "commit" ? this.ids.get(end.xid) : undefined;
      if (end === null || id === undefined || this.commits.some((one) => one.id === id)) continue;
      this.commits.push({ id, xid: end.xid, at: end.at, lsn: record.lsn, endLsn: record.endLsn });
    }
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** Ids in the order of their numbers; negative ones were never committed. */
export async function rowsOf(server: TestServer): Promise<readonly number[]> {
  return (await server.query<{ id: number }>("SELECT id FROM ledger ORDER BY id")).map(({ id }) => id);
}

/** The numbers from one to the other. */
export function numbers(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}
