import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { standbyOf, testServer, waitFor } from "@tidemark/testkit";
import { describe, expect, it } from "vitest";
import { parseLsn } from "../files/lsn.ts";
import { walSegmentName, walSegmentStart } from "../files/wal-segment.ts";
import { decodeEndOfRecovery, decodeOverwrittenContinuation } from "./decode-server-records.ts";
import { decodeTransactionEnd } from "./decode-transaction.ts";
import { WalReader } from "./wal-reader.ts";
import type { WalRecord } from "./wal-record.ts";
import { WalScanner } from "./wal-scanner.ts";
import { flushLsn, readSegments, workloadSegmentBytes as segmentSizeBytes } from "./wal-workload.fixture.ts";

// The oldest and the newest: the flag that a record was overwritten came with 13.5 and 14.1 and is the same in all.
describe.each([13, 18] as const)("the WAL of PostgreSQL %i after an accident", (major) => {
  it("goes on behind a record that a crash left unfinished", async () => {
    await using server = await testServer({ major, walSegmentSizeMb: 1, settings: { wal_keep_size: "1GB" } });
    await server.query("CREATE TABLE t (id int)");
    await server.query("SELECT pg_switch_wal()");
    const [row] = await server.query<{ lsn: string }>(
      "SELECT pg_logical_emit_message(true, 'long', repeat('x', 100000))::text AS lsn",
    );
    const end = parseLsn(row?.lsn ?? "");
    await server.kill();
    // As if the machine had stopped before the rest of the record was on its disk.
    const start = walSegmentStart(end, segmentSizeBytes);
    const file = await open(join(server.dataDir, "pg_wal", walSegmentName(1, end, segmentSizeBytes)), "r+");
    const cut = Number(end - start) - 30_000;
    await file.write(new Uint8Array(segmentSizeBytes - cut), 0, segmentSizeBytes - cut, cut);
    await file.close();
    await server.start();
    await server.query("INSERT INTO t VALUES (1)");
    const to = await flushLsn(server);
    const wal = await readSegments(server, to);
    const reader = new WalReader({ major, segmentSizeBytes, startLsn: wal.startLsn, checkCrc: true });
    const records = wal.segments.flatMap((bytes) => [...reader.push(bytes)]);
    const overwritten = records.flatMap((record) => decodeOverwrittenContinuation(record) ?? []);
    expect(overwritten).toEqual([{ overwrittenLsn: expect.any(BigInt) }]);
    expect(records.some(({ lsn }) => lsn === overwritten[0]?.overwrittenLsn)).toBe(false);
    expect(reader.end).toEqual({ lsn: to, reason: expect.stringContaining("there is no record") });
    const scanner = new WalScanner({ major, segmentSizeBytes, timeline: 1, startLsn: wal.startLsn });
    for (const bytes of wal.segments) scanner.push(bytes);
    expect(scanner.lastCommit?.xid).toBe(commitsOf(records, major).at(-1));
  });

  it("is read over the point where a promoted standby began a timeline, from the segment's start", async () => {
    await using primary = await testServer({ major, walSegmentSizeMb: 1, settings: { wal_keep_size: "1GB" } });
    await primary.query("CREATE TABLE t (id int)");
    await using standby = await standbyOf(primary);
    await primary.query("SELECT pg_switch_wal()");
    for (let id = 0; id < 5; id++) await primary.query("INSERT INTO t VALUES ($1)", [id]);
    const written = await flushLsn(primary);
    const replayed = "SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS is_there";
    const lsn = `${(written >> 32n).toString(16)}/${(written & 0xffffffffn).toString(16)}`;
    await waitFor(async () => (await standby.query<{ is_there: boolean }>(replayed, [lsn]))[0]?.is_there, {
      what: "the standby's replay",
    });
    await standby.query("SELECT pg_promote()");
    await standby.query("INSERT INTO t VALUES (100)");
    const to = await flushLsn(standby);
    const startLsn = walSegmentStart(to, segmentSizeBytes);
    expect(startLsn).toBe(walSegmentStart(written, segmentSizeBytes));
    const bytes = await readFile(join(standby.dataDir, "pg_wal", walSegmentName(2, to, segmentSizeBytes)));
    const reader = new WalReader({ major, segmentSizeBytes, startLsn, checkCrc: true, timeline: 2 });
    const records = [...reader.push(bytes)];
    expect(records.flatMap((record) => decodeEndOfRecovery(record) ?? [])).toEqual([
      { at: expect.any(Date), timeline: 2, previousTimeline: 1 },
    ]);
    expect(reader.end?.lsn).toBe(to);
    expect(commitsOf(records, major)).toHaveLength(6);
    const scanner = new WalScanner({ major, segmentSizeBytes, timeline: 2, startLsn });
    scanner.push(bytes.subarray(0, Number(to - startLsn)));
    expect(scanner.takeFacts()).toMatchObject({ commitCount: 6, lastRecordEnd: to, problem: null });
  });
});

function commitsOf(records: readonly WalRecord[], major: number): number[] {
  return records.flatMap((record) => {
    const end = decodeTransactionEnd(record, major);
    return end?.kind === "commit" ? [end.xid] : [];
  });
}
