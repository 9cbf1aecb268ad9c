import { mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { withFileLock } from "./file-lock.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tidemark-lock-"));
});
afterEach(() => rm(folder, { recursive: true }));

it("lets one in at a time, and leaves nothing behind", async () => {
  const path = join(folder, "lock");
  let inside = 0;
  let most = 0;
  const act = async () => {
    most = Math.max(most, ++inside);
    await readdir(folder);
    inside--;
  };
  await Promise.all([1, 2, 3].map(() => withFileLock(path, undefined, act)));
  expect(most).toBe(1);
  expect(await readdir(folder)).toEqual([]);
});

it("takes over the lock of a process that died", async () => {
  const path = join(folder, "lock");
  await writeFile(path, "of a dead process");
  const longAgo = new Date("2020-01-01T00:00:00Z");
  await utimes(path, longAgo, longAgo);
  expect(await withFileLock(path, undefined, async () => "in")).toBe("in");
  expect(await readdir(folder)).toEqual([]);
});

it("waits for a live one until told to stop waiting", async () => {
  const path = join(folder, "lock");
  await writeFile(path, "of a live process");
  const waiting = withFileLock(path, AbortSignal.timeout(5), async () => "in");
  await expect(waiting).rejects.toThrow("aborted");
  expect(await readdir(folder)).toEqual(["lock"]);
});

it("releases the lock when the act fails", async () => {
  const path = join(folder, "lock");
  await expect(withFileLock(path, undefined, () => Promise.reject(new Error("no luck")))).rejects.toThrow("no luck");
  expect(await readdir(folder)).toEqual([]);
});
