import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { identifyProcess } from "@tidemark/kit";
import { afterEach, beforeEach, expect, it } from "vitest";
import { acquireHomeLock } from "./home-lock.ts";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "tidemark-lock-"));
});
afterEach(() => rm(home, { recursive: true, force: true }));

it("refuses a second start and names the pid of the first", async () => {
  const lock = await acquireHomeLock(home, 0);
  await expect(acquireHomeLock(home, 0)).rejects.toMatchObject({
    code: "home-in-use",
    message: expect.stringContaining(`pid ${process.pid}`),
  });
  await lock.release();
  await (await acquireHomeLock(home, 0)).release();
});

it("takes over the lock of a process that died, also when its number is in use again", async () => {
  const self = identifyProcess(process.pid);
  await writeFile(
    join(home, "lock"),
    JSON.stringify({ pid: process.pid, began: `${self?.began}-earlier`, stopping: false }),
  );
  const lock = await acquireHomeLock(home, 0);
  expect(JSON.parse(await readFile(join(home, "lock"), "utf8"))).toMatchObject({
    pid: process.pid,
    began: self?.began,
  });
  await lock.release();
});

it("takes over a lock that a power cut tore", async () => {
  await writeFile(join(home, "lock"), '{"pid": 12');
  await (await acquireHomeLock(home, 0)).release();
});

it("waits for a start that is stopping", async () => {
  const lock = await acquireHomeLock(home, 0);
  await lock.markStopping();
  const next = acquireHomeLock(home, 10_000);
  await lock.release();
  await (await next).release();
});

it("gives one stale lock to exactly one of many starts", async () => {
  await writeFile(join(home, "lock"), JSON.stringify({ pid: 4_194_304, began: "never", stopping: false }));
  const starts = await Promise.allSettled(Array.from({ length: 8 }, () => acquireHomeLock(home, 0)));
  expect(starts.filter((start) => start.status === "fulfilled").length).toBe(1);
});
