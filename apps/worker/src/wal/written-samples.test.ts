import { expect, it } from "vitest";
import { WrittenSamples } from "./written-samples.ts";

it("tells up to which moment stored WAL holds everything", () => {
  const samples = new WrittenSamples();
  expect(samples.caughtUpAt(100n)).toBeNull();
  for (const [lsn, atMs] of [
    [50n, 1],
    [90n, 2],
    [90n, 3],
    [120n, 4],
  ] as const)
    samples.add(lsn, atMs);
  expect(samples.caughtUpAt(40n)).toBeNull();
  expect(samples.caughtUpAt(100n)).toBe(3);
  // Nothing more came: it stays the last known moment.
  expect(samples.caughtUpAt(100n)).toBe(3);
  expect(samples.caughtUpAt(120n)).toBe(4);
});

it("forgets what was before a server went back", () => {
  const samples = new WrittenSamples();
  samples.add(500n, 1);
  samples.add(20n, 2);
  expect(samples.caughtUpAt(600n)).toBe(2);
  expect(samples.caughtUpAt(10n)).toBeNull();
});

it("keeps old moments in bounded room", () => {
  const samples = new WrittenSamples();
  for (let at = 0; at < 50_000; at++) samples.add(BigInt(at), at);
  const found = samples.caughtUpAt(25_000n) ?? 0;
  expect(found).toBeGreaterThan(24_800);
  expect(found).toBeLessThanOrEqual(25_000);
});
