import { describe, expect, it } from "vitest";
import { MemoryWal } from "./memory-wal.fixture.ts";
import { SegmentSink } from "./segment-sink.ts";

const size = 1 << 20;
const systemIdentifier = 7_412_345_678_901_234_567n;
const startLsn = BigInt(size) * 5n;

/** Segments of PostgreSQL 18 that hold nothing but their headers and a pattern. */
function segments(count: number, changes: { readonly systemIdentifier?: bigint } = {}): Uint8Array {
  const bytes = new Uint8Array(size * count).map((_, index) => index % 251);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length; at += size) {
    view.setUint16(at, 0xd118, true);
    view.setUint16(at + 2, 2, true);
    view.setUint32(at + 4, 1, true);
    view.setBigUint64(at + 8, startLsn + BigInt(at), true);
    view.setBigUint64(at + 24, changes.systemIdentifier ?? systemIdentifier, true);
    view.setUint32(at + 32, size, true);
    view.setUint32(at + 36, 8192, true);
  }
  return bytes;
}

function sinkOf(wal: MemoryWal, stored: string[] = []): SegmentSink {
  return new SegmentSink({
    archive: wal.archive,
    writer: "test-1",
    major: 18,
    timeline: 1,
    segmentSizeBytes: size,
    startLsn,
    signal: new AbortController().signal,
    onSegment: async ({ place }) => void stored.push(place.startLsn.toString(16)),
    onChange: () => undefined,
  });
}

describe("a sink of segments", () => {
  it.each([1, 39, 40, 8_192, 262_144, size, size * 2 + 17])("stores the same however it is cut (%i)", async (cut) => {
    const wal = new MemoryWal(systemIdentifier);
    const stored: string[] = [];
    const sink = sinkOf(wal, stored);
    const bytes = segments(3).subarray(0, size * 2 + 5_000);
    // Byte by byte only around a segment's beginning: that is where it matters.
    for (let at = 0; at < bytes.length; ) {
      const step = cut < 41 && at % size > 100 ? size - (at % size) : cut;
      await sink.take(bytes.subarray(at, at + step));
      at += step;
    }
    expect(await sink.flush()).toBe(startLsn + BigInt(bytes.length));
    expect(stored).toEqual(["500000", "600000"]);
    const whole = [...wal.segments.values()].map((segment) => Buffer.from(segment.bytes));
    expect(Buffer.concat(whole).equals(bytes.subarray(0, size * 2))).toBe(true);
    expect(Buffer.from([...wal.parts.values()][0]?.bytes ?? []).equals(bytes.subarray(size * 2))).toBe(true);
  });

  it.each([1, 8_000, size])(
    "stores the same where as much is taken at once as there is room for (%i)",
    async (room) => {
      const wal = new MemoryWal(systemIdentifier);
      wal.takesAtOnce = room;
      const sink = sinkOf(wal);
      const bytes = segments(3).subarray(0, size * 2 + 5_000);
      let atOnce = 0;
      for (let at = 0; at < bytes.length; at += 131_072) {
        const part = bytes.subarray(at, at + 131_072);
        const taken = sink.takeNow(part);
        atOnce += taken;
        if (taken < part.length) await sink.take(part.subarray(taken));
      }
      expect(await sink.flush()).toBe(startLsn + BigInt(bytes.length));
      const whole = [...wal.segments.values()].map((segment) => Buffer.from(segment.bytes));
      expect(Buffer.concat(whole).equals(bytes.subarray(0, size * 2))).toBe(true);
      expect(Buffer.from([...wal.parts.values()][0]?.bytes ?? []).equals(bytes.subarray(size * 2))).toBe(true);
      // Neither the part in which a segment begins nor the one in which it ends.
      expect(atOnce).toBe(room < size ? room * 12 : size * 2 - 4 * 131_072);
    },
  );

  it("takes nothing at once while something else is taken, or of what is over", async () => {
    const wal = new MemoryWal(systemIdentifier);
    wal.takesAtOnce = size;
    const written = Promise.withResolvers<void>();
    const sink = sinkOf(wal);
    expect(sink.takeNow(segments(1).subarray(0, 9_000))).toBe(0);
    await sink.take(segments(1).subarray(0, 9_000));
    wal.onAct = (act) => (act === "written" ? written.promise : undefined);
    const taking = sink.take(segments(1).subarray(9_000, 20_000));
    expect(sink.takeNow(segments(1).subarray(20_000, 21_000))).toBe(0);
    written.resolve();
    await taking;
    expect(sink.takeNow(segments(1).subarray(20_000, 21_000))).toBe(1_000);
    expect([sink.receivedLsn, await sink.flush()]).toEqual([startLsn + 21_000n, startLsn + 21_000n]);
    const abandoning = sink.abandon();
    expect(sink.takeNow(segments(1).subarray(21_000, 22_000))).toBe(0);
    await abandoning;
  });

  it("makes nothing of a segment durable before its predecessor is whole", async () => {
    const wal = new MemoryWal(systemIdentifier);
    const finished = Promise.withResolvers<void>();
    wal.onAct = (act) => (act === "finish" ? finished.promise : undefined);
    const sink = sinkOf(wal);
    await sink.take(segments(1));
    await sink.take(segments(2).subarray(size, size + 9_000));
    const flushing = sink.flush();
    await new Promise((resolve) => setImmediate(resolve));
    expect([sink.durableLsn, wal.parts.size, wal.segments.size]).toEqual([startLsn, 0, 0]);
    finished.resolve();
    expect(await flushing).toBe(startLsn + BigInt(size) + 9_000n);
  });

  it("never counts a segment that could not be stored, nor what follows it", async () => {
    const wal = new MemoryWal(systemIdentifier);
    wal.onAct = (act) => {
      if (act === "finish") throw new Error("no space");
    };
    const sink = sinkOf(wal);
    await sink.take(segments(1));
    await expect(sink.flush()).rejects.toThrow("no space");
    await expect(sink.take(segments(2).subarray(size))).rejects.toThrow("no space");
    expect(sink.durableLsn).toBe(startLsn);
    await sink.abandon();
    expect(wal.parts.size).toBe(0);
  });

  it("refuses another cluster's WAL before it stores a byte", async () => {
    const wal = new MemoryWal(systemIdentifier);
    const foreign = segments(1, { systemIdentifier: 7n });
    await expect(sinkOf(wal).take(foreign)).rejects.toMatchObject({ code: "wal-foreign-server" });
    await expect(sinkOf(wal).take(new Uint8Array(100))).rejects.toMatchObject({ code: "wal-invalid" });
    expect([wal.parts.size, wal.segments.size]).toEqual([0, 0]);
  });

  it("leaves no writer behind that was begun while nobody waited any more", async () => {
    const wal = new MemoryWal(systemIdentifier);
    const begun = Promise.withResolvers<void>();
    wal.onAct = (act) => (act === "begin" ? begun.promise : undefined);
    const sink = sinkOf(wal);
    const taking = sink.take(segments(2)).catch((error: unknown) => error);
    const abandoning = sink.abandon();
    begun.resolve();
    await abandoning;
    expect(await taking).toMatchObject({ code: "cancelled" });
    // The one that had come whole is stored.
    expect([wal.openWriters, wal.parts.size, wal.segments.size]).toEqual([0, 0, 1]);
  });

  it("counts what a flush reached beside a write once it was received", async () => {
    const wal = new MemoryWal(systemIdentifier);
    const written = Promise.withResolvers<void>();
    const sink = sinkOf(wal);
    await sink.take(segments(1).subarray(0, 9_000));
    wal.onAct = (act) => (act === "written" ? written.promise : undefined);
    const taking = sink.take(segments(1).subarray(9_000, 20_000));
    await new Promise((resolve) => setImmediate(resolve));
    expect(await sink.flush()).toBe(startLsn + 9_000n);
    written.resolve();
    await taking;
    expect(await sink.flush()).toBe(startLsn + 20_000n);
  });
});
