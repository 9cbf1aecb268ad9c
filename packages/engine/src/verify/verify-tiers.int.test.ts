import { open, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "@tidemark/kit";
import { FilesystemStore, type ObjectStore } from "@tidemark/storage";
import { type TempDir, type TestServer, tempDir, testServer } from "@tidemark/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type EngineRig, engineRig } from "../engine-rig.ts";
import { type VerifyAreaRequest, verifyArea } from "./verify-backup.ts";

describe("tiers of verification", () => {
  let home: TempDir;
  let server: TestServer;
  let rig: EngineRig;
  let first: string;
  let second: string;
  /** Ranges read of each pack. */
  const reads: { key: string; offset: number; length: number }[] = [];
  beforeAll(async () => {
    home = await tempDir("tiers");
    rig = await engineRig({ store: counting(new FilesystemStore(home.join("repository"))) });
    server = await testServer();
    await server.query("CREATE TABLE t AS SELECT g AS id, md5(g::text) AS body FROM generate_series(1, 20000) g");
    first = (await rig.backup(server.dsn())).backupId;
    await server.query("UPDATE t SET body = 'changed' WHERE id < 100");
    second = (await rig.backup(server.dsn())).backupId;
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await rig?.[Symbol.asyncDispose]();
    await home?.[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    reads.length = 0;
  });

  function counting(store: ObjectStore): ObjectStore {
    return new Proxy(store, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        if (name !== "get") return value.bind(target);
        return (key: string, options?: { range?: { offset: number; length: number } }) => {
          const { offset, length } = options?.range ?? { offset: 0, length: 0 };
          if (key.includes("/packs/")) reads.push({ key, offset, length });
          return target.get(key, options);
        };
      },
    });
  }

  const deps = () => ({ area: rig.area, clock: systemClock });
  const verify = (request: Partial<VerifyAreaRequest>) =>
    verifyArea(deps(), { backupIds: null, tier: "whole", subset: null, by: "test", ...request }, rig.control());
  const packFolder = () => home.join("repository", "srv_test", "packs");

  it.each(["stored", "whole"] as const)("%s reads each pack once for all backups that share it", async (tier) => {
    const packs = await readdir(packFolder());
    const report = await verify({ tier });
    expect(report).toMatchObject({ ok: true, problems: [], checkedPacks: packs.length, healing: [] });
    expect(report.backupIds).toEqual([first, second]);
    // Each pack: its directory once, and no byte of its frames twice.
    for (const key of new Set(reads.map((read) => read.key))) {
      const ranges = reads.filter((read) => read.key === key).sort((a, b) => a.offset - b.offset);
      const frames = ranges.slice(0, -1);
      for (const [index, range] of frames.entries()) {
        const next = frames[index + 1];
        if (next !== undefined) expect(range.offset + range.length).toBeLessThanOrEqual(next.offset);
      }
    }
    expect(new Set(reads.map((read) => read.key)).size).toBe(packs.length);
    expect(report.coverage).toMatchObject(tier === "whole" ? { wholeShare: 1, storedShare: 1 } : { storedShare: 1 });
  });

  it("metadata reads the packs' directories and no frame", async () => {
    const packs = await readdir(packFolder());
    expect(await verify({ tier: "metadata" })).toMatchObject({ ok: true, checkedBytes: 0n });
    expect(reads.length).toBeLessThanOrEqual(packs.length * 2);
  });

  it("finds a pack that is gone in every tier, names both backups, and keeps what it found", async () => {
    const [name = ""] = (await readdir(packFolder())).sort();
    const saved = await readFile(join(packFolder(), name));
    await rm(join(packFolder(), name));
    for (const tier of ["metadata", "stored", "whole"] as const) {
      const report = await verify({ tier });
      expect(report.ok).toBe(false);
      expect(report.hitBackupIds).toEqual([first, second]);
      expect(report.problems[0]?.sentence).toContain(name);
      expect(report.healing.join(" ")).toContain("second repository");
    }
    const kept = await rig.area.verifications();
    expect(kept.filter(({ packId }) => packId === name)).toMatchObject([
      { damage: expect.any(String) },
      { damage: expect.any(String) },
    ]);
    await writeFile(join(packFolder(), name), saved);
    expect(await verify({})).toMatchObject({ ok: true, coverage: { wholeShare: 1, damagedPackIds: [] } });
  });

  /** Flips a byte of a frame that both backups point into. In which order a pack's frames lie is up to the threads. */
  async function rotShared(pack: string): Promise<number> {
    for (let position = 2000; position < (await stat(pack)).size; position += 10_000) {
      await flip(pack, position);
      if (!(await verify({ backupIds: [second] })).ok) return position;
      await flip(pack, position);
    }
    throw new Error("the second backup points nowhere into the first one's pack");
  }

  it("says file, block, pack, both backups that share a rotten frame, and marks them", async () => {
    const [name = ""] = (await readdir(packFolder())).sort();
    const pack = join(packFolder(), name);
    const position = await rotShared(pack);
    for (const tier of ["stored", "whole"] as const) {
      const report = await verify({ tier, backupIds: [second] });
      const shared = report.problems.find(({ backupIds }) => backupIds.length === 2);
      expect(shared).toMatchObject({ code: "frame-damaged", packId: name, backupIds: [first, second] });
      expect(shared?.sentence).toMatch(/^[\w/.]+, blocks? [\d to,and]+: frame \d+ of pack pck_\w+ is damaged/);
      expect(report.hitBackupIds).toContain(first);
      for (const backupId of [first, second]) {
        expect((await rig.area.marks(backupId)).at(-1)).toMatchObject({
          kind: "damaged",
          text: expect.stringContaining(name),
        });
      }
    }
    await flip(pack, position);
    expect(await verify({})).toMatchObject({ ok: true });
  });

  it("sees everything in as many parts as there are, and says so as it goes", async () => {
    const of = 3;
    let checked = 0;
    for (let part = 1; part <= of; part++) checked += (await verify({ subset: { part, of } })).checkedPacks;
    expect(checked).toBe((await readdir(packFolder())).length);
    await expect(verify({ subset: { part: 4, of: 3 } })).rejects.toMatchObject({ code: "bad-request" });
    // What is superseded is dropped: one fact for each verification that still says something new.
    const facts = await readdir(home.join("repository", "srv_test", "marks", "verification"));
    expect(facts.length).toBeLessThanOrEqual(of + 2);
  });
});

async function flip(path: string, position: number): Promise<void> {
  const handle = await open(path, "r+");
  try {
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, position);
    byte[0] = (byte[0] ?? 0) ^ 0xff;
    await handle.write(byte, 0, 1, position);
  } finally {
    await handle.close();
  }
}
