import { readdir, writeFile } from "node:fs/promises";
import { Secret } from "@tidemark/kit";
import { startCluster } from "@tidemark/local-postgres";
import { FaultyStore, FilesystemStore } from "@tidemark/storage";
import { faultProxy, type TestServer, tempDir, testServer, waitFor } from "@tidemark/testkit";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EngineRig, engineRig } from "../engine-rig.ts";

describe("a backup in a changing world", () => {
  let server: TestServer;
  let rig: EngineRig;
  beforeAll(async () => {
    rig = await engineRig();
    server = await testServer({ settings: { autovacuum: false } });
    await server.query(
      "CREATE TABLE big AS SELECT g AS id, repeat(md5(g::text), 20) AS body FROM generate_series(1, 40000) g",
    );
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await rig?.[Symbol.asyncDispose]();
  });

  it("survives relations that are dropped, truncated and grown while it copies", async () => {
    for (const name of ["dropped", "truncated", "grown"]) {
      await server.query(`CREATE TABLE ${name} AS SELECT * FROM big LIMIT 10000`);
    }
    let changed = false;
    const onStep = async (step: string) => {
      if (step !== "backup:before-first-file") return;
      changed = true;
      await server.query("DROP TABLE dropped");
      await server.query("TRUNCATE truncated");
      await server.query("INSERT INTO grown SELECT * FROM big");
    };
    const backup = await rig.backup(server.dsn(), {}, rig.control({ onStep }));
    expect(changed).toBe(true);
    expect(await rig.verify(backup.backupId)).toMatchObject({ ok: true });
    const drill = await rig.drill({ backupId: backup.backupId });
    expect(drill).toMatchObject({ outcome: "proven", reason: null });
    const counted = drill.checks.filter(({ name }) => name.startsWith("rows of postgres"));
    expect(counted).toContainEqual(
      expect.objectContaining({ name: "rows of postgres: public.grown", detail: "50000 rows" }),
    );
  });

  it("keeps files whose names are not UTF-8", async () => {
    const name = Buffer.concat([Buffer.from(`${server.dataDir}/caf`), Buffer.from([0xe9])]);
    await writeFile(name, "latin");
    const backup = await rig.backup(server.dsn());
    const target = rig.dir.join("odd-names");
    await rig.restore(await rig.plan({ targetDirectory: target, backupId: backup.backupId }));
    const names = await readdir(target, { encoding: "buffer" });
    expect(names.some((one) => one.equals(Buffer.from([0x63, 0x61, 0x66, 0xe9])))).toBe(true);
  });

  it("goes on without a slot when none is free, and notes it", async () => {
    await using crowded = await testServer({ settings: { max_replication_slots: 1 }, checksums: false });
    await crowded.query("SELECT pg_create_physical_replication_slot('taken')");
    const backup = await rigBackup(crowded);
    expect(backup.facts?.notes[0]).toContain("no replication slot held the WAL");
    expect(backup.facts).toMatchObject({ checksumsEnabled: false, suspectPages: [] });
  });

  it("refuses another cluster behind the same address until the change is confirmed", async () => {
    await using other = await testServer();
    await expect(rig.backup(other.dsn())).rejects.toMatchObject({ code: "system-identifier-changed" });
    const before = (await rig.area.listBackups()).length;
    const confirmed = await rig.backup(other.dsn(), { systemIdentifierChangeConfirmed: true });
    expect(confirmed.parentId).toBeNull();
    expect((await rig.area.listBackups()).length).toBe(before + 1);
    await rig.area.deleteBackup(confirmed.backupId);
  });

  it("says that the session was lost when the server is killed in the middle, lists nothing, and the next run succeeds", async () => {
    const before = (await rig.area.listBackups()).map((one) => one.backupId);
    const onStep = async (step: string) => {
      if (step === "backup:before-middle-file") await server.kill();
    };
    await expect(rig.backup(server.dsn(), {}, rig.control({ onStep }))).rejects.toMatchObject({
      code: "backup-session-lost",
    });
    expect((await rig.area.listBackups()).map((one) => one.backupId)).toEqual(before);
    await server.start();
    const backup = await rig.backup(server.dsn());
    expect(await rig.verify(backup.backupId)).toMatchObject({ ok: true });
  });

  it("says that the session was lost when the network cuts it", async () => {
    await using proxy = await faultProxy({ host: "127.0.0.1", port: server.port }, { resetAfterBytes: 3_000_000 });
    const dsn = server.dsn().replace(`:${server.port}/`, `:${proxy.port}/`);
    await expect(rig.backup(dsn)).rejects.toMatchObject({ code: "backup-session-lost" });
  });

  it("stops at once when cancelled, leaves no session and no pack behind", async () => {
    const stop = new AbortController();
    const packs = async () => {
      const keys: string[] = [];
      for await (const { key } of rig.store.list("srv_test/packs/")) keys.push(key);
      return keys;
    };
    const before = await packs();
    const onStep = (step: string) => {
      if (step === "backup:before-middle-file") stop.abort();
    };
    await expect(rig.backup(server.dsn(), {}, rig.control({ signal: stop.signal, onStep }))).rejects.toMatchObject({
      code: "cancelled",
    });
    expect(await packs()).toEqual(before);
    await waitFor(async () => (await server.query("SELECT 1 FROM pg_stat_replication")).length === 0, {
      what: "the end of the walsender",
    });
    expect(await server.query("SELECT 1 FROM pg_replication_slots")).toEqual([]);
  });

  it("takes backups of a standby, and they recover without their primary", async () => {
    await using own = await engineRig();
    const owner = process.getuid?.() === 0 ? "postgres" : null;
    const dataDir = own.dir.join("standby");
    const seed = await own.backup(server.dsn());
    await own.restore(await own.plan({ targetDirectory: dataDir, owner }));
    await writeFile(`${dataDir}/standby.signal`, "");
    const password = new Secret(server.password);
    const settings = { primary_conninfo: server.dsn(), hot_standby: true };
    const { installation } = server.cluster;
    await using standby = await startCluster({ installation, dataDir, superuser: "postgres", password, settings });
    await server.query("CREATE TABLE on_standby AS SELECT 1 AS id");
    // A standby's backup starts at its last restartpoint, which needs a checkpoint replayed.
    await server.query("CHECKPOINT");
    const client = new pg.Client(standby.dsn());
    await client.connect();
    await waitFor(async () => (await client.query("SELECT to_regclass('on_standby') AS name")).rows[0]?.name !== null, {
      what: "the replayed table",
    });
    await client.end();
    const backup = await own.backup(standby.dsn());
    expect(backup.facts).toMatchObject({ fromStandby: true, notes: [expect.stringContaining("standby.signal")] });
    expect(backup.parentId).toBe(seed.backupId);
    expect(await own.verify(backup.backupId)).toMatchObject({ ok: true });
    const drill = await own.drill({ backupId: backup.backupId });
    expect(drill).toMatchObject({ outcome: "proven", reason: null });
    expect(drill.checks).toContainEqual(
      expect.objectContaining({ name: "rows of postgres: public.on_standby", detail: "1 rows" }),
    );
  });

  it.each(["storage-full", "repository-read-only"] as const)(
    "gives up with nothing listed when the store says %s in the middle, and succeeds afterwards",
    async (code) => {
      await using home = await tempDir("store");
      const fault = {
        operation: "put",
        matches: (key: string) => key.includes("/packs/"),
        effect: { kind: "error-before", code },
      } as const;
      const store = new FaultyStore(new FilesystemStore(home.join("repository")), { faults: [fault] });
      await using own = await engineRig({ store });
      await expect(own.backup(server.dsn())).rejects.toMatchObject({ code });
      expect(await own.area.listBackups()).toEqual([]);
      expect(await server.query("SELECT 1 FROM pg_stat_replication")).toEqual([]);
      const backup = await own.backup(server.dsn());
      expect(await own.verify(backup.backupId)).toMatchObject({ ok: true });
    },
  );

  it("obeys the rate limit", async () => {
    const startedMs = performance.now();
    await using small = await testServer({ settings: { max_wal_size: "64MB" } });
    await using own = await engineRig();
    await own.backup(small.dsn(), { maxRateKib: 16_384 });
    // About 40 MB at 16 MiB/s.
    expect(performance.now() - startedMs).toBeGreaterThan(1_500);
  });

  it("reports the phases in order and progress that never exceeds its total", async () => {
    rig.events.length = 0;
    await rig.backup(server.dsn());
    const phases = rig.events.flatMap((event) => (event.kind === "phase" ? [event.phase] : []));
    expect(phases).toEqual(["connecting", "checkpoint", "copying", "verifying-manifest", "storing-manifest"]);
    const last = rig.events.findLast((event) => event.kind === "progress");
    expect(last).toMatchObject({ kind: "progress" });
    for (const event of rig.events) {
      if (event.kind === "progress" && event.totalBytes !== null)
        expect(event.doneBytes <= event.totalBytes).toBe(true);
    }
  });
});

/** In a repository of its own: another cluster does not belong into that of the first. */
async function rigBackup(server: TestServer) {
  await using rig = await engineRig();
  return await rig.backup(server.dsn());
}
