import { setTimeout as delay } from "node:timers/promises";
import { expect, it } from "vitest";
import { type LongSlice, startSliceMonitor } from "./slice-monitor.ts";

it("tells of a turn that burns the thread's time, not of one that waits", async () => {
  const slices: LongSlice[] = [];
  const monitor = startSliceMonitor((slice) => slices.push(slice), 20);
  await delay(30);
  expect(slices).toEqual([]);
  const before = process.threadCpuUsage();
  while (process.threadCpuUsage(before).user < 40_000) Math.sqrt(2);
  await delay(30);
  monitor.stop();
  expect(slices).toHaveLength(1);
  expect(slices[0]?.cpuMs).toBeGreaterThanOrEqual(39);
  expect(monitor.longestMs).toBe(slices[0]?.cpuMs);
});
