import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Lsn } from "../files/lsn.ts";
import { decodeOverwrittenContinuation } from "./decode-server-records.ts";
import { decodeTransactionEnd } from "./decode-transaction.ts";
import { commitRecord, imageRecord, mainData, WalBuilder } from "./wal-builder.fixture.ts";
import { WalReader } from "./wal-reader.ts";
import { WalScanner } from "./wal-scanner.ts";

const at = Date.parse("2026-11-22T10:00:00.123Z");

/** Everything that real WAL has of boundaries, in six segments. */
function manySorts(): WalBuilder {
  const wal = new WalBuilder();
  for (let index = 0; index < 300; index++) {
    wal.add(commitRecord(700 + index, at + index * 1000));
    wal.add(imageRecord(16384 + index, 1000 + index * 20));
    if (index % 40 === 0) wal.fillPage(8);
    if (index % 41 === 0) wal.fillPage(16);
    if (index % 43 === 0) wal.fillPage(0);
  }
  wal.add({ rmgr: 21, body: mainData(new Uint8Array(2_300_000).fill(7)) });
  wal.addUnfinished(imageRecord(1));
  wal.add(commitRecord(5000, at));
  wal.addUnfinished({ rmgr: 10, body: mainData(new Uint8Array(30_000)) }, 2);
  wal.add(commitRecord(5001, at));
  wal.addSwitch();
  wal.add(commitRecord(5002, at));
  wal.timeline = 4;
  wal.add(imageRecord(2));
  wal.add(imageRecord(3));
  wal.add(commitRecord(5003, at));
  return wal;
}

function read(wal: WalBuilder, pieces: Iterable<Uint8Array>, startLsn = wal.startLsn) {
  const reader = new WalReader({ major: 18, segmentSizeBytes: wal.segmentBytes, startLsn, checkCrc: true });
  const records = [...pieces].flatMap((bytes) => [...reader.push(bytes)]);
  return { records, end: reader.end, position: reader.position };
}

function scan(wal: WalBuilder, pieces: Iterable<Uint8Array>, segments: number) {
  const options = { major: 18, segmentSizeBytes: wal.segmentBytes, timeline: 4, startLsn: wal.startLsn };
  const scanner = new WalScanner(options);
  for (const bytes of pieces) scanner.push(bytes);
  return Array.from({ length: segments }, () => scanner.takeFacts());
}

const xids = (records: ReturnType<typeof read>["records"]) =>
  records.flatMap((record) => decodeTransactionEnd(record, 18)?.xid ?? []);

describe("WalReader", () => {
  it("reads on over page ends, segment ends, a switch, unfinished records and a new timeline", () => {
    const wal = manySorts();
    const { records, end } = read(wal, wal.segments());
    expect(xids(records)).toEqual([...Array.from({ length: 300 }, (_, i) => 700 + i), 5000, 5001, 5002, 5003]);
    expect(records.flatMap((record) => decodeOverwrittenContinuation(record) ?? []).length).toBe(2);
    expect(records.at(-1)?.endLsn).toBe(wal.lsn);
    expect(end).toEqual({ lsn: wal.lsn, reason: expect.stringContaining("there is no record") });
    for (const [index, record] of records.entries()) {
      if (index > 0) expect(record.prevLsn).toBe(records[index - 1]?.lsn);
    }
  });

  it("passes over a record whose beginning it was not given", () => {
    const wal = manySorts();
    const whole = read(wal, wal.segments()).records;
    for (let from = 1; from < wal.segments().length; from++) {
      const start = wal.startLsn + BigInt(from * wal.segmentBytes);
      const { records } = read(wal, wal.segments().slice(from), start);
      const expected = whole.filter(({ lsn }) => lsn >= start);
      expect(records.map(({ lsn }) => lsn)).toEqual(expected.map(({ lsn }) => lsn));
    }
  });

  it("begins at a record as well as at a segment", () => {
    const wal = manySorts();
    const whole = read(wal, wal.segments()).records;
    const first = whole[77] as { lsn: Lsn };
    const offset = Number(first.lsn - wal.startLsn);
    const rest = Buffer.concat(wal.segments()).subarray(offset);
    expect(read(wal, [rest], first.lsn).records.map(({ lsn }) => lsn)).toEqual(whole.slice(77).map(({ lsn }) => lsn));
  });

  it("gives the same records wherever its input is cut", () => {
    const wal = manySorts();
    const bytes = Buffer.concat(wal.segments());
    const whole = read(wal, [bytes]).records.map(({ lsn, crc }) => [lsn, crc]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60_000 }), { minLength: 3, maxLength: 20 }), (sizes) => {
        expect(read(wal, cut(bytes, sizes)).records.map(({ lsn, crc }) => [lsn, crc])).toEqual(whole);
      }),
      { numRuns: 4 },
    );
    expect(read(wal, cut(bytes, [7])).records.length).toBe(whole.length);
  });

  it("ends before a record whose CRC is wrong", () => {
    const wal = new WalBuilder();
    wal.add(commitRecord(1, at));
    const { lsn } = wal.add(commitRecord(2, at));
    const [segment] = wal.segments() as [Uint8Array];
    const place = Number(lsn - wal.startLsn) + 30;
    segment[place] = (segment[place] ?? 0) ^ 1;
    const { records, end } = read(wal, [segment]);
    expect(xids(records)).toEqual([1]);
    expect(end).toEqual({ lsn, reason: "a record's CRC is wrong" });
  });

  it("says why it ends: another version, another position, a later timeline, another segment size", () => {
    const wal = new WalBuilder({ timeline: 3 });
    wal.add(commitRecord(1, at));
    const segments = wal.segments();
    const base = { major: 18, segmentSizeBytes: wal.segmentBytes, startLsn: wal.startLsn, checkCrc: false };
    const reason = (changes: object) => {
      const reader = new WalReader({ ...base, ...changes });
      for (const segment of segments) expect([...reader.push(segment)]).toEqual([]);
      return reader.end?.reason;
    };
    expect(reason({ major: 17 })).toContain("not begin like WAL of this version");
    expect(reason({ startLsn: wal.startLsn - 0x100000n })).toContain("another position");
    expect(reason({ timeline: 2 })).toContain("later timeline");
    expect(reason({ segmentSizeBytes: 2 << 20, startLsn: 0x1_fff0_0000n - 0x10_0000n })).toBeDefined();
  });
});

describe("WalScanner", () => {
  it("tells of a record that reaches into its first segment when it is given the end of the one before", () => {
    const wal = manySorts();
    const segments = wal.segments();
    const whole = scan(wal, segments, segments.length);
    const options = { major: 18, segmentSizeBytes: wal.segmentBytes, timeline: 4 };
    const alone = (from: number, before: Uint8Array | null) => {
      const startLsn = wal.startLsn + BigInt(from * wal.segmentBytes);
      const scanner = new WalScanner({ ...options, startLsn, before });
      scanner.push(segments[from] as Uint8Array);
      return scanner.takeFacts();
    };
    for (let from = 1; from < segments.length; from++) {
      // Of a record of several segments the beginning is not there.
      if (whole[from - 1]?.lastRecordEnd === null) continue;
      expect(alone(from, segments[from - 1] as Uint8Array)).toEqual(whole[from]);
      expect(alone(from, new Uint8Array(65_536))).toEqual(alone(from, null));
    }
  });

  it("counts a commit that lies in two segments with the one in which it ends", () => {
    const wal = new WalBuilder();
    while (wal.lsn - wal.startLsn < wal.segmentBytes - 8192) wal.fillPage(0);
    wal.fillPage(16);
    const { endLsn } = wal.add(commitRecord(700, at));
    const [first, second] = wal.segments() as [Uint8Array, Uint8Array];
    const startLsn = wal.startLsn + BigInt(wal.segmentBytes);
    const before = first.subarray(-16_384);
    const scanner = new WalScanner({ major: 18, segmentSizeBytes: wal.segmentBytes, timeline: 1, startLsn, before });
    scanner.push(second);
    expect(scanner.takeFacts()).toMatchObject({ commitCount: 1, lastCommit: { lsn: endLsn, xid: 700 } });
  });

  it("gives each segment's facts, the same wherever its input is cut", () => {
    const wal = manySorts();
    const count = wal.segments().length;
    const whole = scan(wal, wal.segments(), count);
    expect(whole.map(({ problem }) => problem).slice(0, -1)).toEqual(Array(count - 1).fill(null));
    expect(whole.at(-1)?.lastCommit).toEqual({ at: new Date(at), lsn: wal.lsn, xid: 5003 });
    expect(whole.reduce((sum, { commitCount }) => sum + commitCount, 0)).toBe(304);
    const bytes = Buffer.concat(wal.segments());
    for (const sizes of [[1000], [8192], [8191, 1, 25], [24, 16, 3], [131_072]]) {
      expect(scan(wal, cut(bytes, sizes), count)).toEqual(whole);
    }
  });

  it("goes on at the next segment where one is damaged, and says so", () => {
    const wal = manySorts();
    const segments = wal.segments().map((segment) => segment.slice());
    segments[1]?.fill(0, 20_000, 40_000);
    const facts = scan(wal, segments, segments.length);
    const whole = scan(wal, wal.segments(), segments.length);
    expect(facts[1]?.problem).toContain("of its segment");
    expect(facts[1]?.commitCount).toBeLessThan(whole[1]?.commitCount ?? 0);
    expect(facts.slice(2, -1).map(({ problem }) => problem)).toEqual(whole.slice(2, -1).map(() => null));
    expect(facts.at(-1)?.lastCommit).toEqual(whole.at(-1)?.lastCommit);
  });

  it("says that there are many relations instead of naming over 500", () => {
    const wal = new WalBuilder();
    for (let index = 0; index < 500; index++) wal.add(imageRecord(20_000 + index, 40));
    expect(scan(wal, wal.segments(), 1)[0]?.relations?.length).toBe(500);
    wal.add(imageRecord(19_999, 40));
    expect(scan(wal, wal.segments(), 1)[0]?.relations).toBeNull();
  });
});

describe("damaged WAL", () => {
  it("neither throws nor hangs, in the reader and in the scanner", () => {
    const wal = manySorts();
    const bytes = Buffer.concat(wal.segments().slice(0, 3));
    fc.assert(
      fc.property(damages(bytes.length), fc.boolean(), (places, isCut) => {
        const damaged = Uint8Array.from(bytes);
        for (const [place, value] of places) damaged[place] = value;
        const pieces = isCut ? cut(damaged, [65_000, 24]) : [damaged];
        const options = { major: 18, segmentSizeBytes: wal.segmentBytes, startLsn: wal.startLsn };
        const reader = new WalReader({ ...options, checkCrc: false });
        const scanner = new WalScanner({ ...options, timeline: 9 });
        for (const piece of pieces) {
          for (const record of reader.push(piece)) bodyOrDamage(record);
          scanner.push(piece);
        }
        expect(reader.position).toBeLessThanOrEqual(wal.startLsn + BigInt(bytes.length));
        expect(scanner.position).toBe(wal.startLsn + BigInt(bytes.length));
      }),
      { numRuns: 60 },
    );
  });
});

/** Single bytes anywhere, and close together where headers are: at the beginning. */
function damages(length: number) {
  const place = fc.oneof(fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 0, max: length - 1 }));
  return fc.array(fc.tuple(place, fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 12 });
}

function bodyOrDamage(record: { body(): unknown; blocks(): unknown } & Parameters<typeof decodeTransactionEnd>[0]) {
  try {
    record.body();
    decodeTransactionEnd(record, 18);
  } catch (error) {
    expect(error).toMatchObject({ code: "wal-damaged" });
  }
}

function* cut(bytes: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  for (let from = 0, turn = 0; from < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] as number;
    yield bytes.subarray(from, from + size);
    from += size;
  }
}
