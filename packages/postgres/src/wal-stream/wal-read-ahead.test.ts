import { describe, expect, it } from "vitest";
import type { Lsn } from "../files/lsn.ts";
import type { WalMessage } from "./wal-messages.ts";
import { WalReadAhead } from "./wal-read-ahead.ts";
import type { WalStreamEvent } from "./wal-stream-events.ts";

const at = new Date(0);

function data(startLsn: number, length: number): WalMessage {
  const bytes = Uint8Array.from({ length }, (_, index) => (startLsn + index) % 251);
  return {
    kind: "data",
    startLsn: BigInt(startLsn) as Lsn,
    serverLsn: BigInt(startLsn + length) as Lsn,
    sentAt: at,
    bytes,
  };
}

function keepalive(serverLsn: number, replyRequested: boolean): WalMessage {
  return { kind: "keepalive", serverLsn: BigInt(serverLsn) as Lsn, sentAt: at, replyRequested };
}

function isRight(event: WalStreamEvent | null): boolean {
  if (event?.kind !== "data") return false;
  return event.bytes.every((byte, index) => byte === (Number(event.startLsn) + index) % 251);
}

/** How the data is cut, and how much of it there is. */
const sizes = [
  [1, 2_000],
  [40, 20_000],
  [8_192, 400_000],
  [131_072, 900_000],
  [300_000, 900_000],
] as const;

describe("what is read ahead", () => {
  it("comes out in order and whole, however it was cut", async () => {
    for (const [size, total] of sizes) {
      const ahead = new WalReadAhead();
      const adding = (async () => {
        for (let from = 0; from < total; from += size) await ahead.add(data(from, Math.min(size, total - from)));
        ahead.end();
      })();
      let position = 0;
      for (let event = await ahead.next(); event !== null; event = await ahead.next()) {
        expect(isRight(event)).toBe(true);
        if (event.kind !== "data") continue;
        expect(Number(event.startLsn)).toBe(position);
        position += event.bytes.length;
      }
      await adding;
      expect(position).toBe(total);
    }
  });

  it("waits for room, and leaves what the consumer holds alone", async () => {
    const ahead = new WalReadAhead();
    let added = 0;
    const adding = (async () => {
      for (let from = 0; from < 4_000_000; from += 100_000) {
        await ahead.add(data(from, 100_000));
        added += 100_000;
      }
    })();
    const first = await ahead.next();
    await new Promise((resolve) => setImmediate(resolve));
    expect(added).toBeGreaterThan(128 * 1024);
    expect(added).toBeLessThanOrEqual(4 * 128 * 1024);
    expect(isRight(first)).toBe(true);
    ahead.discard();
    await adding;
    expect(added).toBe(4_000_000);
  });

  it("keeps one keepalive behind the data, and does not forget that an answer was asked for", async () => {
    const ahead = new WalReadAhead();
    await ahead.add(data(0, 10));
    await ahead.add(keepalive(10, true));
    await ahead.add(keepalive(20, false));
    expect(await ahead.next()).toMatchObject({ kind: "data" });
    expect(await ahead.next()).toEqual({ kind: "keepalive", serverLsn: 20n, sentAt: at, replyRequested: true });
    ahead.end();
    expect(await ahead.next()).toBeNull();
  });

  it("gives out what was received before it failed", async () => {
    const ahead = new WalReadAhead();
    await ahead.add(data(0, 10));
    ahead.fail(new Error("lost"));
    expect(await ahead.next()).toMatchObject({ kind: "data" });
    await expect(ahead.next()).rejects.toThrow("lost");
  });
});
