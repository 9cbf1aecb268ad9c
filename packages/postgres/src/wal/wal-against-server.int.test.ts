import { findHostTool, majors, runTool, startWriterLedger, type TestServer, testServer } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { formatLsn, type Lsn } from "../files/lsn.ts";
import { higherLimits, type ServerLimits } from "../files/server-limits.ts";
import {
  decodeCheckpoint,
  decodeParameterChange,
  decodeRestorePoint,
  isFullPageImage,
} from "./decode-server-records.ts";
import { decodePrepare, decodeTransactionEnd, type TransactionEnd } from "./decode-transaction.ts";
import { dumpedRecords, inspectedRecords, type PlainRecord, plainRecord } from "./other-readers.fixture.ts";
import { pageHeaderBytes, walPageBytes } from "./page-header.ts";
import { pageOfImage } from "./page-image.ts";
import { rmgrName } from "./resource-managers.ts";
import { WalReader } from "./wal-reader.ts";
import type { WalRecord } from "./wal-record.ts";
import { WalScanner } from "./wal-scanner.ts";
import {
  flushLsn,
  insertLsn,
  readSegments,
  runWorkload,
  type StoredWal,
  workloadSegmentBytes,
  workloadSegmentMb,
  workloadSettings,
} from "./wal-workload.fixture.ts";

describe.each(majors)("the WAL of PostgreSQL %i", (major) => {
  let server: TestServer;
  let range: { from: Lsn; to: Lsn };
  let wal: StoredWal;

  beforeAll(async () => {
    server = await testServer({ major, settings: workloadSettings, walSegmentSizeMb: workloadSegmentMb });
    range = await runWorkload(server);
    wal = await readSegments(server, range.to);
  });

  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
  });

  function* records(options: { checkCrc?: boolean; startLsn?: bigint } = {}): Generator<WalRecord> {
    const startLsn = wal.startLsn;
    const reader = new WalReader({
      major,
      segmentSizeBytes: workloadSegmentBytes,
      startLsn,
      checkCrc: true,
      ...options,
    });
    for (const segment of wal.segments) yield* reader.push(segment);
    expect(reader.end?.reason, "the records end where the server's do").toContain("there is no record");
    expect(reader.end?.lsn).toBe(range.to);
  }

  it("is read whole to where the server stands, by back-links and CRC, and every body adds up", () => {
    let expected: Lsn | null = null;
    const managers = new Set<string>();
    const compressions = new Set<string>();
    let strangePages = 0;
    for (const record of records()) {
      if (expected !== null) expect(record.lsn >= expected).toBe(true);
      expected = record.endLsn;
      for (const { image } of record.blocks()) {
        if (image === null) continue;
        compressions.add(image.compression);
        // Every page of a relation says its size and the version of its layout (pd_pagesize_version, bufpage.h).
        if (Buffer.from(pageOfImage(image) ?? []).readUInt16LE(18) !== 0x2004) strangePages++;
      }
      managers.add(rmgrName(record.rmgr));
    }
    expect([...compressions].sort()).toEqual(["none", "pglz"]);
    expect(strangePages).toBe(0);
    expect([...managers].sort()).toEqual(expect.arrayContaining(everyManager));
  });

  it.skipIf(major < 15)("is to us, record by record, what it is to pg_walinspect", async () => {
    await server.query("CREATE EXTENSION IF NOT EXISTS pg_walinspect");
    const theirs = await inspectedRecords(server, range.from, range.to);
    compareRecords(oursFrom(range.from), theirs);
  });

  it.runIf(major === 15)("is to us, record by record, what it is to pg_waldump", async () => {
    const tools = await findHostTool(15, "pg_waldump");
    expect(tools, "Debian's postgresql-15 brings pg_waldump").not.toBeNull();
    if (tools === null) return;
    const folder = `${server.dataDir}/pg_wal`;
    const first = records().next().value as WalRecord;
    const span = ["-p", folder, "-s", formatLsn(first.lsn), "-e", formatLsn(range.to)];
    const { stdout } = await runTool(tools, "pg_waldump", span);
    compareRecords(oursFrom(wal.startLsn), dumpedRecords(stdout));
  });

  function oursFrom(from: Lsn): PlainRecord[] {
    return [...records({ checkCrc: false })].filter((record) => record.lsn >= from).map(plainRecord);
  }

  it("tells when which transaction committed, as the server itself recorded it", async () => {
    const ends = transactionEnds();
    const commits = ends.filter((end) => end.kind === "commit" && end.xid !== 0);
    const rows = await server.query<{ xid: number; at: string }>(
      `SELECT x AS xid, to_char(pg_xact_commit_timestamp(x::text::xid) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') AS at
       FROM unnest($1::bigint[]) x WHERE pg_xact_commit_timestamp(x::text::xid) IS NOT NULL`,
      [commits.filter(({ origin }) => origin === null).map(({ xid }) => xid)],
    );
    const byXid = new Map(rows.map(({ xid, at }) => [Number(xid), at]));
    const known = commits.filter(({ xid }) => byXid.has(xid));
    expect(known.length).toBeGreaterThan(40);
    expect(known.filter(({ xid, atMicros }) => byXid.get(xid) !== microsText(atMicros))).toEqual([]);
  });

  function transactionEnds(): TransactionEnd[] {
    return [...records()].flatMap((record) => decodeTransactionEnd(record, major) ?? []);
  }

  it("tells prepared transactions, subtransactions, dropped files and origins", async () => {
    const ends = transactionEnds();
    const prepared = [...records()].flatMap((record) => decodePrepare(record, major) ?? []);
    expect(prepared.map(({ gid }) => gid)).toEqual(["first one", "second"]);
    const finished = ends.filter((end) => end.wasPrepared).map(({ kind, xid, gid }) => ({ kind, xid, gid }));
    expect(finished).toEqual([
      { kind: "commit", xid: prepared[0]?.xid, gid: "first one" },
      { kind: "abort", xid: prepared[1]?.xid, gid: "second" },
    ]);
    expect(Math.max(...ends.map(({ subXids }) => subXids.length))).toBe(64);
    expect(ends.filter(({ origin }) => origin !== null).map(({ origin }) => origin?.lsn)).toEqual([0x123n]);
    const last = ends.findLast(({ droppedFiles }) => droppedFiles.length > 0);
    expect(last?.droppedFiles.length).toBeGreaterThan(0);
    expect(last?.droppedStatistics.some(({ kind }) => kind === 2) ?? false).toBe(major >= 15);
  });

  it("tells restore points, checkpoints and changed settings", () => {
    const all = [...records()].map((record) => ({
      point: decodeRestorePoint(record)?.name ?? null,
      checkpoint: decodeCheckpoint(record)?.kind ?? null,
      maxConnections: decodeParameterChange(record)?.maxConnections ?? null,
      image: isFullPageImage(record),
    }));
    expect(all.flatMap(({ point }) => point ?? [])).toEqual(["before the switch", "ünïcode point"]);
    expect(new Set(all.map(({ checkpoint }) => checkpoint))).toEqual(new Set([null, "online", "shutdown"]));
    expect(all.flatMap(({ maxConnections }) => maxConnections ?? [])).toContain(90);
    expect(all.some(({ image }) => image)).toBe(true);
  });

  it("gives the scanner the facts that the reader finds, wherever it is cut", () => {
    const whole = scan(wal, major, () => workloadSegmentBytes);
    const expected = factsByReader([...records()].map(kept), wal);
    expect(whole.slice(0, -1).map(({ problem }) => problem)).toEqual(wal.segments.slice(1).map(() => null));
    expect(whole.map(({ problem: _, ...facts }) => facts)).toEqual(expected);
    expect(whole.flatMap(({ limits }) => limits?.maxConnections ?? [])).toContain(90);
    const beginning = { ...wal, segments: wal.segments.slice(0, 4) };
    for (const step of [8191, 70_001, 17]) {
      expect(scan(beginning, major, () => step)).toEqual(whole.slice(0, 4));
    }
  });

  const kept = (record: WalRecord) => ({
    endLsn: record.endLsn,
    end: decodeTransactionEnd(record, major),
    point: decodeRestorePoint(record),
    limits: limitsOf(decodeParameterChange(record)),
    relations: record.blocks().map(({ spcOid, dbOid, relNumber }) => `${spcOid}/${dbOid}/${relNumber}`),
  });

  it("holds exactly one commit for each row that a client was told is committed", async () => {
    const writer = await startWriterLedger(server.dsn());
    await writer.advance(60);
    await writer.stop();
    const rows = await server.query<{ id: number; xid: number }>(
      "SELECT id, xmin::text::bigint::int AS xid FROM ledger",
    );
    const to = await flushLsn(server);
    // At a page's end the next record goes behind the next page's header, which nobody has written yet.
    const header = to % BigInt(walPageBytes) === 0n ? pageHeaderBytes(Number(to % BigInt(workloadSegmentBytes))) : 0;
    expect(await insertLsn(server)).toBe(to + BigInt(header));
    const later = await readSegments(server, to);
    const startLsn = later.startLsn;
    const reader = new WalReader({ major, segmentSizeBytes: workloadSegmentBytes, startLsn, checkCrc: true });
    const commits = later.segments
      .flatMap((segment) =>
        [...reader.push(segment)].map((record) => ({ record, end: decodeTransactionEnd(record, major) })),
      )
      .flatMap(({ record, end }) => (end?.kind === "commit" ? [{ lsn: record.endLsn, xid: end.xid }] : []));
    for (const { id, lsnBefore, lsnAfter } of writer.entries.filter((entry) => entry.lsnAfter !== null)) {
      const xid = rows.find((row) => row.id === id)?.xid;
      const found = commits.filter(({ lsn }) => lsn > lsnBefore && lsn <= (lsnAfter ?? 0n));
      expect(found.map((commit) => commit.xid)).toEqual([xid]);
    }
  });
});

const everyManager = [
  ...["XLOG", "Transaction", "Storage", "Database", "RelMap", "Standby", "Heap2", "Heap", "Btree", "Hash", "Gin"],
  ...["Gist", "Sequence", "SPGist", "BRIN", "Generic", "LogicalMessage", "ReplicationOrigin", "MultiXact"],
];

function compareRecords(ours: readonly PlainRecord[], theirs: readonly PlainRecord[]): void {
  expect(theirs.length).toBeGreaterThan(10_000);
  expect(ours.length).toBe(theirs.length);
  // One comparison for each would take longer than the reading.
  const texts = theirs.map((record) => JSON.stringify(record));
  const differing = ours
    .map((record) => JSON.stringify(record))
    .flatMap((our, index) => (our === texts[index] ? [] : [[our, texts[index]]]));
  expect(differing.slice(0, 5)).toEqual([]);
}

function microsText(micros: bigint): string {
  return new Date(Number(micros / 1000n)).toISOString().slice(0, -1) + String(micros % 1000n).padStart(3, "0");
}

function scan(wal: StoredWal, major: number, step: () => number) {
  const scanner = new WalScanner({
    major,
    segmentSizeBytes: workloadSegmentBytes,
    timeline: 1,
    startLsn: wal.startLsn,
  });
  return wal.segments.map((segment) => {
    for (let at = 0; at < segment.length; ) {
      const bytes = Math.min(step(), segment.length - at);
      scanner.push(segment.subarray(at, at + bytes));
      at += bytes;
    }
    return scanner.takeFacts();
  });
}

interface KeptRecord {
  readonly endLsn: Lsn;
  readonly end: TransactionEnd | null;
  readonly point: { readonly name: string; readonly at: Date; readonly lsn: Lsn } | null;
  readonly limits: ServerLimits | null;
  readonly relations: readonly string[];
}

function limitsOf(change: ServerLimits | null): ServerLimits | null {
  return change === null ? null : higherLimits(change, null);
}

function factsByReader(records: readonly KeptRecord[], wal: StoredWal) {
  return wal.segments.map((_, index) => {
    const from = wal.startLsn + BigInt(index * workloadSegmentBytes);
    const to = from + BigInt(workloadSegmentBytes);
    const here = records.filter(({ endLsn }) => endLsn > from && endLsn <= to);
    const commits = here.flatMap(({ end, endLsn }) =>
      end?.kind === "commit" ? [{ at: end.at, lsn: endLsn, xid: end.xid }] : [],
    );
    return {
      firstCommit: commits[0] ?? null,
      lastCommit: commits.at(-1) ?? null,
      commitCount: commits.length,
      restorePoints: here.flatMap(({ point }) => (point === null ? [] : [point])),
      relations: [...new Set(here.flatMap(({ relations }) => relations))],
      lastRecordEnd: here.at(-1)?.endLsn ?? null,
      limits: here.reduce<ServerLimits | null>(
        (most, { limits }) => (limits ? higherLimits(limits, most) : most),
        null,
      ),
    };
  });
}
