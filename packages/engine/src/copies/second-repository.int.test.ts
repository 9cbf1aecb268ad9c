import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { chmod, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { newId, systemClock } from "@tidemark/kit";
import { findServerUser, giveTree } from "@tidemark/local-postgres";
import {
  createRepository,
  type FailoverNote,
  failoverArea,
  openRepository,
  type Repository,
} from "@tidemark/repository";
import { FaultyStore, FilesystemStore } from "@tidemark/storage";
import { adoptCluster, type TestServer, testServer } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EngineRig, engineRig } from "../engine-rig.ts";
import { executeRestore } from "../restore/execute-restore.ts";
import { planRestore } from "../restore/plan-restore.ts";
import { executeCopies, planCopies } from "./copy-backups.ts";
import { healPacks } from "./heal-packs.ts";

const script = fileURLToPath(new URL("../../../../scripts/restore-standalone.mjs", import.meta.url));

/** One server and its backups for all of it: an unencrypted repository, since the rig keeps no key. */
describe("a second repository", () => {
  let server: TestServer;
  let rig: EngineRig;
  let second: Repository;
  let secondFolder: string;
  const backupIds: string[] = [];

  beforeAll(async () => {
    rig = await engineRig({ encrypted: false });
    server = await testServer({ major: 18, settings: { autovacuum: false } });
    await server.query(
      "CREATE TABLE rows AS SELECT g AS id, repeat(md5(g::text), 10) AS body FROM generate_series(1, 30000) g",
    );
    backupIds.push((await rig.backup(server.dsn())).backupId);
    await server.query("UPDATE rows SET body = 'changed' WHERE id % 100 = 0");
    await server.query("CHECKPOINT");
    backupIds.push((await rig.backup(server.dsn())).backupId);
    secondFolder = rig.dir.join("second");
    second = await createRepository(new FilesystemStore(secondFolder), { encryption: "none" });
  });
  afterAll(async () => {
    await second?.close();
    await server?.[Symbol.asyncDispose]();
    await rig?.[Symbol.asyncDispose]();
  });

  const target = () => second.area("srv_test");
  const deps = () => ({ source: rig.area, target: target(), clock: systemClock });
  const all = { backupId: null, skipIds: [] };

  it("gets every backup, newest first, once, and what was held since", async () => {
    const plan = await planCopies(deps(), all);
    expect(plan.copies.map(({ backupId }) => backupId)).toEqual([...backupIds].reverse());
    const report = await executeCopies(deps(), plan, rig.control());
    expect(report).toMatchObject({ copiedIds: [...backupIds].reverse(), failed: [], goneIds: [] });
    expect(report.copiedBytes).toBeGreaterThan(0n);
    await rig.area.addMark(backupIds[0] ?? "", { kind: "hold", text: "audit", by: "ada", at: systemClock.now() });
    const again = await planCopies(deps(), all);
    expect(again).toMatchObject({ copies: [], presentIds: [...backupIds].reverse(), storedBytes: 0n });
    expect(await executeCopies(deps(), again, rig.control())).toMatchObject({ copiedIds: [], copiedMarks: 1 });
    // A pack that is gone there is brought again; what was deleted there on purpose is not.
    const [pack = ""] = readdirSync(join(secondFolder, "srv_test/packs")).reverse();
    await rm(join(secondFolder, "srv_test/packs", pack));
    const incomplete = await planCopies(deps(), all);
    expect(incomplete.copies[0]).toMatchObject({ backupId: backupIds[1], reason: "incomplete" });
    expect(await executeCopies(deps(), incomplete, rig.control())).toMatchObject({ copiedPacks: 1 });
    expect((await planCopies(deps(), { backupId: null, skipIds: backupIds })).presentIds).toEqual([]);
  });

  it("gives back what is damaged or lost in the first, and what neither has is named", async () => {
    const folder = rig.dir.join("repository", "srv_test", "packs");
    const [first = "", last = ""] = [readdirSync(folder)[0], readdirSync(folder).at(-1)];
    const bytes = readFileSync(join(folder, first));
    bytes.writeUInt8(bytes.readUInt8(5000) ^ 1, 5000);
    await chmod(join(folder, first), 0o600);
    await writeFile(join(folder, first), bytes);
    await rm(join(folder, last));
    expect((await rig.verify(backupIds[1] ?? "")).ok).toBe(false);
    const heal = { damaged: rig.area, copies: target(), clock: systemClock };
    expect(await healPacks(heal, rig.control())).toMatchObject({ healedPacks: [first, last].sort(), lost: [] });
    expect((await rig.verify(backupIds[1] ?? "")).ok).toBe(true);
    // A list reads the beginnings of manifests only; this one's end is cut off.
    const manifest = rig.dir.join("repository", "srv_test", "backups", backupIds[0] ?? "");
    const whole = readFileSync(manifest);
    await chmod(manifest, 0o600);
    await writeFile(manifest, whole.subarray(0, whole.length - 20));
    const mended = await healPacks(heal, rig.control());
    expect(mended).toMatchObject({ healedManifests: [backupIds[0]], healedPacks: [], lost: [] });
    expect((await rig.verify(backupIds[0] ?? "")).ok).toBe(true);
    const copy = join(secondFolder, "srv_test/packs", last);
    await rename(copy, rig.dir.join("aside"));
    await rename(join(folder, last), rig.dir.join("aside too"));
    const lost = await healPacks(heal, rig.control());
    expect(lost.healedPacks).toEqual([]);
    expect(lost.lost).toEqual([expect.stringContaining(last)]);
    await rename(rig.dir.join("aside"), copy);
    await rename(rig.dir.join("aside too"), join(folder, last));
  });

  /** Every file below a folder with a hash of what is in it. */
  function filesOf(folder: string): Map<string, Buffer> {
    const found = new Map<string, Buffer>();
    for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
      const place = join(folder, name);
      if (statSync(place).isFile()) found.set(name, readFileSync(place));
    }
    return found;
  }

  function expectSameFiles(found: Map<string, Buffer>, expected: Map<string, Buffer>): void {
    expect([...found.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [name, bytes] of expected) expect(found.get(name)?.equals(bytes), name).toBe(true);
  }

  it("restores through the second when the first loses a pack or hangs in the middle, and says so", async () => {
    const [, backupId = ""] = backupIds;
    const plain = rig.dir.join("plain");
    await rig.restore(await rig.plan({ targetDirectory: plain, backupId }));
    const expected = filesOf(plain);
    const folder = rig.dir.join("repository");
    const matches = (key: string): boolean => key.includes("/packs/");
    const never = new Promise<void>(() => undefined);
    for (const effect of [
      { kind: "error-before", code: "object-missing" },
      { kind: "stall", until: never },
    ] as const) {
      const fault = { operation: "get" as const, matches, from: 4, times: Number.POSITIVE_INFINITY, effect };
      const store = new FaultyStore(new FilesystemStore(folder), { faults: [fault] });
      const first = await openRepository(store, {});
      const notes: FailoverNote[] = [];
      const area = failoverArea(first.area("srv_test"), target(), {
        stallMs: effect.kind === "stall" ? 300 : 60_000,
        onNote: (note) => void notes.push(note),
      });
      const targetDirectory = rig.dir.join(`over-${notes.length}-${newId("run")}`);
      const request = (await rig.plan({ targetDirectory, backupId })).request;
      const plan = await planRestore({ area, clock: systemClock }, request, new AbortController().signal);
      await executeRestore({ area, clock: systemClock }, plan, rig.control());
      expectSameFiles(filesOf(targetDirectory), expected);
      expect(notes.length).toBeGreaterThan(0);
      expect(notes[0]).toMatchObject({
        what: effect.kind === "error-before" ? "pack" : "repository",
      });
      await rm(targetDirectory, { recursive: true });
      await first.close();
    }
  });

  it("is read by the standalone script, to the same files as our own restore, and its server starts", async () => {
    const [, backupId = ""] = backupIds;
    const ours = rig.dir.join("ours");
    await rig.restore(await rig.plan({ targetDirectory: ours, backupId }));
    const theirs = rig.dir.join("theirs");
    const args = ["restore", "--repository", secondFolder, "--server", "test", "--backup", backupId, "--to", theirs];
    const { status, stderr } = spawnSync(process.execPath, [script, ...args], { encoding: "utf8" });
    expect(stderr).toBe("");
    expect(status).toBe(0);
    const expected = filesOf(ours);
    // Ours writes one that is true for what it restored; the script needs none.
    expected.delete("backup_manifest");
    const found = filesOf(theirs);
    // Ours keeps the server away from where its source was; the script leaves the file as it was.
    for (const files of [expected, found]) expect(files.delete("postgresql.auto.conf")).toBe(true);
    expectSameFiles(found, expected);
    await writeFile(join(theirs, "postgresql.auto.conf"), "");
    await giveTree(theirs, await findServerUser());
    await using restored = await adoptCluster(rig.dir, server, { dataDir: theirs });
    expect(
      await restored.query("SELECT count(*)::int AS n, count(*) FILTER (WHERE body = 'changed')::int AS c FROM rows"),
    ).toEqual([{ n: 30_000, c: 300 }]);
  });
});
