import { mkdir, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestServer, testServer } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EngineRig, engineRig } from "../engine-rig.ts";
import type { RestoreRequest } from "../restore/plan-restore.ts";
import { restoringMark } from "../restore/restore-target.ts";

describe("damage and half-done work", () => {
  let server: TestServer;
  let rig: EngineRig;
  let backupId: string;
  let table: string;
  beforeAll(async () => {
    rig = await engineRig();
    server = await testServer({ tablespaces: ["fast"] });
    await server.query("CREATE TABLE small TABLESPACE fast AS SELECT g AS id FROM generate_series(1, 1000) g");
    await server.query(
      "CREATE TABLE big AS SELECT g AS id, md5(random()::text) AS body FROM generate_series(1, 100000) g",
    );
    table = (await server.query<{ path: string }>("SELECT pg_relation_filepath('big') AS path"))[0]?.path ?? "";
    await server.query("CHECKPOINT");
    backupId = (await rig.backup(server.dsn())).backupId;
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await rig?.[Symbol.asyncDispose]();
  });

  const planInto = (target: string, request: Partial<RestoreRequest> = {}) => {
    const tablespaces = [{ from: server.dir.join("tablespace-fast"), to: `${target}-fast` }];
    return rig.plan({ targetDirectory: target, backupId, tablespaces, ...request });
  };
  const folderOf = (kind: string) => rig.dir.join("repository", "srv_test", kind);

  it("refuses a target that is not empty, before and after the plan", async () => {
    const target = rig.dir.join("occupied");
    const plan = await planInto(target);
    await mkdir(target);
    await writeFile(join(target, "precious"), "data");
    await expect(rig.restore(plan)).rejects.toMatchObject({ code: "target-not-empty" });
    expect(await readdir(target)).toEqual(["precious"]);
    const late = await planInto(target);
    expect(late.checks).toContainEqual(
      expect.objectContaining({ id: "target-empty", state: "failed", code: "target-not-empty" }),
    );
  });

  it("refuses a backup whose tablespaces were given no place, and places that lie in each other", async () => {
    const target = rig.dir.join("places");
    const unmapped = await rig.plan({ targetDirectory: target, backupId });
    await expect(rig.restore(unmapped)).rejects.toMatchObject({ code: "tablespace-unmapped" });
    const inside = await rig.plan({
      targetDirectory: target,
      backupId,
      tablespaces: [{ from: server.dir.join("tablespace-fast"), to: join(target, "fast") }],
    });
    await expect(rig.restore(inside)).rejects.toMatchObject({ code: "target-not-allowed" });
  });

  it("refuses a target outside the allowed roots", async () => {
    const plan = await planInto("/etc/tidemark-restore", { allowedRoots: [rig.dir.path] });
    expect(plan.ok).toBe(false);
    await expect(rig.restore(plan)).rejects.toMatchObject({ code: "target-not-allowed" });
  });

  it("refuses a plan whose backup is gone", async () => {
    const extra = await rig.backup(server.dsn());
    const plan = await planInto(rig.dir.join("gone"), { backupId: extra.backupId });
    await rig.area.deleteBackup(extra.backupId);
    await expect(rig.restore(plan)).rejects.toMatchObject({ code: "plan-stale" });
  });

  it("names file and blocks of a damaged pack, in verification and restore, and marks the backup", async () => {
    const packs = (await readdir(folderOf("packs"))).map((name) => join(folderOf("packs"), name));
    const saved = await Promise.all(packs.map((path) => readFile(path)));
    // Somewhere in the first pack's middle: frames, not its directory.
    for (const [index, path] of packs.entries()) await flipByte(path, Math.floor((saved[index]?.length ?? 0) / 2));
    const report = await rig.verify(backupId);
    expect(report.ok).toBe(false);
    const problem = report.problems[0];
    expect(problem).toMatchObject({ code: "frame-damaged" });
    expect(problem?.sentence).toMatch(/^[\w/.]+, blocks? [\d to,and]+: frame \d+ of pack pck_\w+ is damaged/);
    const damaged = (await rig.area.marks(backupId)).find((mark) => mark.kind === "damaged");
    expect(damaged?.text).toContain("pck_");
    const target = rig.dir.join("damaged");
    await expect(rig.restore(await planInto(target))).rejects.toMatchObject({
      code: "backup-damaged",
    });
    expect(await readdir(target)).toContain(restoringMark);
    expect(await rig.drill({ backupId })).toMatchObject({ outcome: "failed" });

    // The next backup does not build on it, and is whole.
    const next = await rig.backup(server.dsn());
    expect(next.parentId).not.toBe(backupId);
    expect(await rig.verify(next.backupId)).toMatchObject({ ok: true });
    for (const [index, path] of packs.entries()) await writeFile(path, saved[index] ?? "");
    expect(await rig.verify(backupId)).toMatchObject({ ok: true });
    await rig.area.deleteBackup(next.backupId);
  });

  it("says which packs are missing", async () => {
    const packs = await readdir(folderOf("packs"));
    const path = join(folderOf("packs"), packs[0] ?? "");
    const saved = await readFile(path);
    await rm(path);
    const report = await rig.verify(backupId);
    expect(report.problems[0]?.sentence).toContain(packs[0]);
    await writeFile(path, saved);
  });

  it("calls a missing manifest missing and a damaged one damaged", async () => {
    await expect(rig.verify("bak_00000000000000000000000000")).rejects.toMatchObject({ code: "manifest-missing" });
    const path = join(folderOf("backups"), backupId);
    const saved = await readFile(path);
    await flipByte(path, Math.floor(saved.length / 2));
    expect(await rig.verify(backupId)).toMatchObject({ ok: false, problems: [{ code: "manifest-damaged" }] });
    await writeFile(path, saved);
    expect(await rig.verify(backupId)).toMatchObject({ ok: true });
  });

  it("lists a page that rotted on the server as suspect, keeps the backup, and a drill calls it damaged", async () => {
    await server.stop();
    // Page 3: a byte in its middle, below the pointers, so that nothing but the checksum notices.
    await flipByte(join(server.dataDir, table), 3 * 8192 + 5000);
    await server.start();
    const backup = await rig.backup(server.dsn());
    expect(backup.facts?.suspectPages).toEqual([{ path: table, blocks: [3] }]);
    expect(await rig.verify(backup.backupId)).toMatchObject({ ok: true, suspectPageCount: 1 });
    const drill = await rig.drill({ backupId: backup.backupId });
    expect(drill.outcome).toBe("failed");
    expect(drill.checks).toContainEqual(
      expect.objectContaining({
        name: "page checksums",
        ok: false,
        detail: expect.stringContaining(`${table} block 3`),
      }),
    );
    expect((await rig.area.marks(backup.backupId)).map((mark) => mark.kind)).toContain("damaged");
  });
});

async function flipByte(path: string, position: number): Promise<void> {
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
