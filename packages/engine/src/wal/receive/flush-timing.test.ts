import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FlushTiming } from "./flush-timing.ts";

const segment = 1 << 24;

describe("when what was received is made durable", () => {
  let flushes: number[] = [];
  let release: () => void = () => undefined;

  beforeEach(() => {
    vi.useFakeTimers();
    flushes = [];
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function timing(synchronous: boolean): FlushTiming {
    return new FlushTiming({
      clock: { now: () => new Date(), monotonicMs: () => Date.now() },
      synchronous,
      flushEveryMs: 250,
      segmentSizeBytes: segment,
      flush: () => {
        flushes.push(Date.now());
        return new Promise((resolve) => {
          release = resolve;
        });
      },
    });
  }

  async function done(): Promise<void> {
    release();
    await vi.advanceTimersByTimeAsync(0);
  }

  it("at once for commits that wait; what comes meanwhile, all together after it", async () => {
    const its = timing(true);
    its.received(100n, 100n);
    expect(flushes.length).toBe(1);
    its.received(200n, 300n);
    its.received(300n, 300n);
    expect(flushes.length).toBe(1);
    await done();
    expect(flushes.length).toBe(2);
    await done();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(flushes.length).toBe(2);
  });

  it("now and then when nobody waits, and at once when the server asks", async () => {
    const its = timing(false);
    its.received(100n, 100n);
    await done();
    its.received(200n, 200n);
    await vi.advanceTimersByTimeAsync(249);
    expect(flushes.length).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(flushes.length).toBe(2);
    await done();
    its.received(300n, 300n);
    its.serverWaits();
    expect(flushes.length).toBe(3);
  });

  it("hardly ever while the stream is behind", async () => {
    const its = timing(false);
    for (let at = 0; at < 40; at++) {
      its.received(BigInt(at * 1000), BigInt(segment * 3));
      await vi.advanceTimersByTimeAsync(200);
    }
    expect(flushes.length).toBe(0);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(flushes.length).toBe(1);
    its.stop();
  });

  it("not for a question when everything is durable", () => {
    timing(false).serverWaits();
    expect(flushes).toEqual([]);
  });
});
