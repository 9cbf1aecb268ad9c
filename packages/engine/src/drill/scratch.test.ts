import { chmod, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { cleanScratch } from "./scratch.ts";

it("leaves alone what begins while it is asked what is in use", async () => {
  const scratch = await mkdtemp(join(tmpdir(), "tidemark-scratch-"));
  onTestFinished(() => rm(scratch, { recursive: true }));
  // The server's account has to come in, else another place is taken.
  await chmod(scratch, 0o755);
  await mkdir(join(scratch, "run_dead"));
  const removed = await cleanScratch(scratch, async () => {
    await mkdir(join(scratch, "run_new"));
    return [];
  });
  expect(removed).toEqual(["run_dead"]);
  expect(await readdir(scratch)).toEqual(["run_new"]);
});
