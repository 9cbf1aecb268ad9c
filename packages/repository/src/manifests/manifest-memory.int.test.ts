import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const script = fileURLToPath(new URL("../../scripts/measure-manifest.ts", import.meta.url));

it("a manifest of a million extents is written, read and indexed in a heap of 64 MiB", async () => {
  // A million extents as objects are some 300 MiB: holding them ends the process with "heap out of memory".
  const { stdout } = await promisify(execFile)(process.execPath, ["--max-old-space-size=64", script, "1000000"]);
  const measured = JSON.parse(stdout) as { extents: number; found: number; peakBytes: number };
  expect(measured).toMatchObject({ extents: 1_007_616, found: 5 });
  expect(measured.peakBytes).toBeLessThan(400 * 1024 * 1024);
});
