import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const script = fileURLToPath(new URL("../../scripts/measure-manifest.ts", import.meta.url));

it("the manifest of 8 GiB in 700 000 runs is written, read and built upon in a heap of 64 MiB", async () => {
  // So many extents as objects are some 130 MiB: holding them ends the process with "heap out of memory". What memory there
  // is for 1 TB does not depend on the cluster's size, but on that of one file (131 072 pages at most).
  const limits = ["--max-old-space-size=64", "--max-semi-space-size=8"];
  const { stdout } = await promisify(execFile)(process.execPath, [...limits, script, String(8 * 131_072)]);
  const measured = JSON.parse(stdout) as {
    readonly extents: number;
    readonly runs: number;
    readonly carriedRuns: number;
    readonly carriedBytes: string;
    readonly peakMiB: { readonly carry: number };
  };
  expect(measured.extents).toBeGreaterThan(600_000);
  expect(measured.runs).toBe(measured.extents);
  // The first sixteen pages of each of the eight files changed.
  expect(measured.carriedBytes).toBe(String(8 * (131_072 - 16) * 8192));
  expect(measured.carriedRuns).toBeGreaterThan(measured.extents - 8 * 16);
  expect(measured.peakMiB.carry).toBeLessThan(400);
});
