import { appendFile, mkdir, readdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findServerUser, giveTree, startCluster } from "@tidemark/local-postgres";
import { type TestServer, testServer, waitFor } from "@tidemark/testkit";
import { describe, expect, it } from "vitest";
import { engineRig } from "../engine-rig.ts";
import { cleanScratch } from "./scratch.ts";

describe("a drill", () => {
  it("is noticed by nobody: not the archive, not a publisher, not a standby, not the restored configuration", async () => {
    await using publisher = await testServer({ settings: { wal_level: "logical" } });
    await using server = await testServer({ settings: { wal_level: "logical" }, tablespaces: ["fast"] });
    await server.query("CREATE TABLE in_fast TABLESPACE fast AS SELECT 1 AS id");
    await using rig = await engineRig();
    await publisher.query("CREATE TABLE events (id int PRIMARY KEY); ");
    await publisher.query("CREATE PUBLICATION events FOR TABLE events");
    await server.query("CREATE TABLE events (id int PRIMARY KEY)");
    await server.query(`CREATE SUBSCRIPTION events CONNECTION '${publisher.dsn()}' PUBLICATION events`);
    await publisher.query("INSERT INTO events VALUES (1)");
    await waitFor(async () => (await server.query("SELECT id FROM events")).length === 1, { what: "the subscription" });
    const traces = await server.folder("archive");
    await reconfigure(server, traces);
    const backup = await rig.backup(server.dsn());
    // The source is silent from here on: what leaves a trace now is the drill.
    await server.stop();
    await takeConfigurationAway(server);
    const archived = (await readdir(traces)).length;
    expect(archived).toBeGreaterThan(0);
    const slots = await publisher.query("SELECT slot_name, confirmed_flush_lsn FROM pg_replication_slots");

    const drill = await rig.drill({ backupId: backup.backupId });

    expect(drill).toMatchObject({ outcome: "proven", reason: null });
    expect((await readdir(traces)).length).toBe(archived);
    expect(await publisher.query("SELECT slot_name, confirmed_flush_lsn FROM pg_replication_slots")).toEqual(slots);
    expect(await publisher.query("SELECT 1 FROM pg_stat_replication")).toEqual([]);
    expect(drill.checks).toContainEqual(
      expect.objectContaining({ name: "rows of postgres: public.events", detail: "1 rows" }),
    );
    expect(
      drill.checks.some(({ name, detail }) => name === "B-trees of postgres" && /^[1-9]\d* checked/.test(detail)),
    ).toBe(true);
    expect(drill.phases.map(({ name }) => name)).toEqual(["fetch", "start-and-recover", "check"]);
    expect(drill.rtoMs).toBeGreaterThan(0);
    expect(await readdir(rig.dir.join("scratch")).catch(() => [])).toEqual([]);
    expect((await rig.area.marks(backup.backupId)).map(({ kind }) => kind)).toEqual(["proven"]);
  });

  it("makes a role of its own in the copy when there is no superuser called postgres, and takes tablespaces in their places", async () => {
    await using server = await testServer({ superuser: "chief", settings: { allow_in_place_tablespaces: true } });
    await server.query("CREATE TABLESPACE inside LOCATION ''");
    await server.query("CREATE TABLE placed TABLESPACE inside AS SELECT 1 AS id");
    await using rig = await engineRig();
    await rig.backup(server.dsn());
    expect(await rig.drill()).toMatchObject({ outcome: "proven" });
  });

  it("cleans up after one that was killed, its server too", async () => {
    await using server = await testServer();
    await using rig = await engineRig();
    const backup = await rig.backup(server.dsn());
    const scratch = rig.dir.join("scratch");
    // As a worker that died in the middle leaves it: files, and a server without a parent.
    const dataDir = join(scratch, "run_dead", "data");
    await mkdir(join(scratch, "run_dead"), { recursive: true });
    const user = await findServerUser();
    const owner = user === null ? null : `${user.uid}:${user.gid}`;
    await rig.restore(await rig.plan({ targetDirectory: dataDir, backupId: backup.backupId, owner }));
    const orphan = await startCluster({ installation: server.cluster.installation, dataDir, listen: "socket-only" });
    expect(await cleanScratch(scratch, async () => ["run_dead"])).toEqual([]);
    expect(orphan.isRunning()).toBe(true);
    expect(await cleanScratch(scratch, async () => [])).toContain("run_dead");
    await orphan.exited;
    expect(await readdir(scratch)).toEqual([]);
  });

  it("stops and cleans up when cancelled", async () => {
    await using server = await testServer();
    await using rig = await engineRig();
    await rig.backup(server.dsn());
    const stop = new AbortController();
    const onStep = (step: string) => {
      if (step === "drill:before-checks") stop.abort();
    };
    await expect(rig.drill({}, rig.control({ signal: stop.signal, onStep }))).rejects.toMatchObject({
      code: "cancelled",
    });
    expect(await readdir(rig.dir.join("scratch"))).toEqual([]);
  });

  it("proves nothing and says why when this machine cannot try", async () => {
    await using server = await testServer();
    await using rig = await engineRig();
    const backup = await rig.backup(server.dsn());
    const scratch = rig.dir.join("scratch");
    await writeFile(scratch, "a file where a folder should be");
    const outcome = await rig.drill({ backupId: backup.backupId }).catch((error: unknown) => error);
    expect(outcome).not.toMatchObject({ outcome: "proven" });
    expect(await rig.area.marks(backup.backupId)).toEqual([]);
  });
});

/** An archive that leaves traces, a standby that every commit waits for, libraries that are missing here, includes and a moved hba file. */
async function reconfigure(server: TestServer, traces: string): Promise<void> {
  const conf = await server.folder("conf.d");
  const hba = join(conf, "moved_hba");
  const lines = ["local all all", "host all all 127.0.0.1/32", "host replication all 127.0.0.1/32"];
  await writeFile(hba, lines.map((line) => `${line} scram-sha-256\n`).join(""));
  await writeFile(
    join(conf, "extra.conf"),
    `archive_mode = on\narchive_command = 'cp %p ${traces}/%f'\nhba_file = '${hba}'\n`,
  );
  await giveTree(conf, await findServerUser());
  await appendFile(join(server.dataDir, "postgresql.conf"), `include_dir = '${conf}'\n`);
  await server.restart();
  await server.query("SELECT pg_switch_wal()");
  await waitFor(async () => (await readdir(traces)).length > 0, { what: "an archived segment" });
  const client = await server.client();
  await client.query("SET synchronous_commit = local");
  await client.query("ALTER SYSTEM SET synchronous_standby_names = '*'");
  await client.query("ALTER DATABASE postgres SET session_preload_libraries = 'session_library_missing_here'");
  await client.query("SELECT pg_reload_conf()");
  await client.end();
  // Counts only for a server that starts anew on these files, as the drill's would.
  await appendFile(join(server.dataDir, "postgresql.auto.conf"), "shared_preload_libraries = 'library_missing_here'\n");
}

/** The includes and the hba file lie outside the copy: it must not need them. */
async function takeConfigurationAway(server: TestServer): Promise<void> {
  await rename(server.dir.join("conf.d"), server.dir.join("conf.away"));
}
