import { execFile } from "node:child_process";
import { mkdir, open, rm } from "node:fs/promises";
import { promisify } from "node:util";
import { FilesystemStore } from "@tidemark/storage";
import { type TempDir, tempDir } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { copyBackup } from "./copies/copy-backup.ts";
import { createRepository, openRepository } from "./open-repository.ts";
import {
  digestsOf,
  InlineEncoder,
  newTestRepository,
  noise,
  readTestBackup,
  takeTestBackup,
  testFacts,
  testOpeners,
  writeFiles,
} from "./test-repository.ts";
import type { ServerArea } from "./types.ts";

/** A real file system of 3 MiB that is full: each act says so, loses nothing, and ends once there is room. */
const run = promisify(execFile);
const hourMs = 3_600_000;
/** Two fit; the third fits once one of them is gone, with the small things it needs beside. */
const files = (seed: number) => new Map([["large", noise(seed === 3 ? 1_000_000 : 1_300_000, seed)]]);

describe("a repository on a disk that is full", () => {
  let dir: TempDir;
  let disk: string | null = null;
  let source: ServerArea;
  beforeAll(async () => {
    dir = await tempDir("disk-full");
    const folder = dir.join("disk");
    await mkdir(folder);
    // Mounting takes rights that not every machine gives.
    disk = await run("mount", ["-t", "tmpfs", "-o", "size=3m", "tidemark-test", folder]).then(
      () => folder,
      () => null,
    );
    source = (await newTestRepository({ encrypted: false })).area;
    for (const number of [1, 2, 3]) await takeTestBackup(source, `bak_${number}`, null, files(number));
  });
  afterAll(async () => {
    if (disk !== null) await run("umount", [disk]);
    await dir?.[Symbol.asyncDispose]();
  });

  it("keeps what it has through copies, backups and collections that fail, and gets room by deletion", async (test) => {
    if (disk === null) return test.skip("no file system may be mounted here");
    const store = new FilesystemStore(`${disk}/repository`);
    await (await createRepository(store, { encryption: "none", openers: testOpeners })).close();
    const at = async (laterMs: number): Promise<ServerArea> => {
      const clock = { now: () => new Date(Date.now() + laterMs), monotonicMs: () => performance.now() };
      return (await openRepository(store, { clock, openers: testOpeners })).area("srv_1");
    };
    const target = await at(0);
    const copy = (backupId: string, to = target) => copyBackup({ source, target: to, backupId });
    for (const backupId of ["bak_1", "bak_2"]) await copy(backupId);

    await expect(copy("bak_3")).rejects.toMatchObject({ code: "storage-full" });
    await expectKept(target, ["bak_1", "bak_2"]);
    await expect(takeOrAbort(target, "bak_4")).rejects.toMatchObject({ code: "storage-full" });
    await expectKept(target, ["bak_1", "bak_2"]);

    // Not a byte left, not even for a lease, a mark or the pass of a collection.
    const full = `${disk}/filler`;
    await fill(full);
    const note = { kind: "note", text: "x".repeat(5000), by: "test", at: new Date() } as const;
    await expect(target.addMark("bak_1", note)).rejects.toMatchObject({ code: "storage-full" });
    await expect(copy("bak_3")).rejects.toMatchObject({ code: "storage-full" });
    await expect(collectAt(target, hourMs)).rejects.toMatchObject({ code: "storage-full" });
    await expectKept(target, ["bak_1", "bak_2"]);

    // Deleting needs no room; what it frees is enough for the passes that free the rest.
    await target.deleteBackup("bak_1");
    await expectKept(target, ["bak_2"]);
    let removedPacks = 0;
    for (const hours of [4, 8])
      removedPacks += (await collectAt(await at(hours * hourMs), hours * hourMs)).removedPacks;
    expect(removedPacks).toBeGreaterThan(0);
    await copy("bak_3", await at(8 * hourMs));
    await expectKept(target, ["bak_2", "bak_3"]);
    await rm(full);
  });
});

/** As the engine takes one: what fails removes what it stored. */
async function takeOrAbort(area: ServerArea, backupId: string): Promise<void> {
  const encoder = new InlineEncoder();
  const writer = await area.beginBackup({ backupId, parentId: "bak_2", startedAt: new Date(), encoder });
  try {
    await writeFiles(writer, files(4));
    await writer.commit(testFacts);
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

async function collectAt(area: ServerArea, laterMs: number) {
  const how = { now: new Date(Date.now() + laterMs), graceMs: hourMs, runningBackupIds: [] };
  return await area.executeCollection(await area.planCollection(how));
}

async function expectKept(area: ServerArea, backupIds: readonly string[]): Promise<void> {
  expect((await area.listBackups()).map(({ backupId }) => backupId)).toEqual(backupIds);
  for (const backupId of backupIds) {
    const wanted = digestsOf(files(Number(backupId.slice(4))));
    expect(digestsOf(await readTestBackup(area, backupId))).toEqual(wanted);
  }
}

/** Takes every page the file system has left. */
async function fill(path: string): Promise<void> {
  const file = await open(path, "w");
  try {
    for (;;) await file.write(new Uint8Array(4096));
  } catch (error) {
    expect(error).toMatchObject({ code: "ENOSPC" });
  } finally {
    await file.close();
  }
}
