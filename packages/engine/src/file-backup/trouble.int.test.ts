import { cp, open } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "@tidemark/kit";
import { parseDsn, SqlSession } from "@tidemark/postgres";
import { faultProxy, type TestServer, tempDir, testServer, waitFor } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EngineRig, engineRig, filesFrom } from "../engine-rig.ts";

describe("a backup file by file in a changing world", () => {
  let server: TestServer;
  let rig: EngineRig;
  beforeAll(async () => {
    rig = await engineRig();
    const settings = { autovacuum: false, max_replication_slots: 2, min_wal_size: "32MB", wal_keep_size: 0 };
    server = await testServer({ settings });
    await server.query(
      "CREATE TABLE big AS SELECT g AS id, repeat(md5(g::text), 20) AS body FROM generate_series(1, 20000) g",
    );
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await rig?.[Symbol.asyncDispose]();
  });

  const backupIds = async () => (await rig.area.listBackups()).map(({ backupId }) => backupId);
  const nothingIsLeft = () =>
    waitFor(
      async () =>
        (
          await server.query(
            `SELECT 1 FROM pg_stat_activity WHERE client_addr IS NOT NULL AND pid <> pg_backend_pid()
           UNION ALL SELECT 1 FROM pg_replication_slots`,
          )
        ).length === 0,
      { what: "the end of sessions and slots" },
    );

  it("survives relations that are dropped, truncated and grown while it copies", async () => {
    for (const name of ["dropped", "truncated", "grown"]) {
      await server.query(`CREATE TABLE ${name} AS SELECT * FROM big LIMIT 10000`);
    }
    const onStep = async (step: string) => {
      if (step !== "backup:before-first-file") return;
      await server.query("DROP TABLE dropped");
      await server.query("TRUNCATE truncated");
      await server.query("INSERT INTO grown SELECT * FROM big");
      // Now the files of what was dropped are gone, too.
      await server.query("CHECKPOINT");
    };
    const backup = await rig.backupFrom(filesFrom(server.dsn()), {}, rig.control({ onStep }));
    const drill = await rig.drill({ backupId: backup.backupId });
    expect(drill).toMatchObject({ outcome: "proven", reason: null });
    expect(drill.checks).toContainEqual(
      expect.objectContaining({ name: "rows of postgres: public.grown", detail: "30000 rows" }),
    );
    await nothingIsLeft();
  });

  it.each(["backup:before-first-file", "backup:before-control", "backup:before-stop"])(
    "says at once that its session was lost at %s, and lists nothing",
    async (at) => {
      const before = await backupIds();
      const sessions = watchedSessions(server);
      const onStep = async (step: string) => {
        if (step !== at) return;
        await server.query("SELECT pg_terminate_backend($1)", [await sessions.pids[0]]);
        await waitFor(() => sessions.all[0]?.lost !== null, { what: "the loss of the session" });
      };
      const source = filesFrom(server.dsn(), { connectSql: sessions.connect });
      await expect(rig.backupFrom(source, {}, rig.control({ onStep }))).rejects.toMatchObject({
        code: "backup-session-lost",
      });
      expect(await backupIds()).toEqual(before);
      await nothingIsLeft();
    },
  );

  it("says that its session was lost when the server is killed, and the next run succeeds", async () => {
    const onStep = async (step: string) => {
      if (step === "backup:before-middle-file") await server.kill();
    };
    await expect(rig.backupFrom(filesFrom(server.dsn()), {}, rig.control({ onStep }))).rejects.toMatchObject({
      code: "backup-session-lost",
    });
    await server.start();
    const backup = await rig.backupFrom(filesFrom(server.dsn()));
    expect(await rig.verify(backup.backupId)).toMatchObject({ ok: true });
  });

  it("goes on when a session that only reads is lost", async () => {
    const sessions = watchedSessions(server);
    const onStep = async (step: string) => {
      if (step !== "backup:before-middle-file") return;
      for (const pid of sessions.pids.slice(1)) await server.query("SELECT pg_terminate_backend($1)", [await pid]);
    };
    const source = filesFrom(server.dsn(), { connectSql: sessions.connect });
    const backup = await rig.backupFrom(source, {}, rig.control({ onStep }));
    expect(sessions.all.length).toBeGreaterThan(3);
    expect(await rig.verify(backup.backupId)).toMatchObject({ ok: true });
  });

  it("goes on over a line that is reset every few megabytes", async () => {
    await using proxy = await faultProxy({ host: "127.0.0.1", port: server.port }, { resetAfterBytes: 4_000_000 });
    const source = filesFrom(server.dsn().replace(`:${server.port}/`, `:${proxy.port}/`));
    const backup = await rig.backupFrom(source);
    expect(proxy.bytesPassed).toBeGreaterThan(8_000_000);
    expect(await rig.verify(backup.backupId)).toMatchObject({ ok: true });
    await nothingIsLeft();
  });

  it("stops at once when cancelled, and leaves no session, slot or pack behind", async () => {
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
    const control = rig.control({ signal: stop.signal, onStep });
    await expect(rig.backupFrom(filesFrom(server.dsn()), {}, control)).rejects.toMatchObject({ code: "cancelled" });
    expect(await packs()).toEqual(before);
    await nothingIsLeft();
  });

  describe("without a slot", () => {
    const taken = "SELECT pg_create_physical_replication_slot(name) FROM unnest('{a,b}'::text[]) name";
    beforeAll(() => server.query(taken));
    afterAll(() => server.query("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"));

    it("copies WAL as soon as it is closed, so that the server may remove it", async () => {
      // Time runs fast: the server is looked at many times during this copy, however short it is.
      const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() * 5_000 };
      await using own = await engineRig({ clock });
      const onStep = async (step: string) => {
        if (step === "backup:before-middle-file") await writeAndSwitch(server);
        if (step === "backup:before-stop") await server.query("CHECKPOINT");
      };
      const backup = await own.backupFrom(filesFrom(server.dsn()), {}, own.control({ onStep }));
      expect(backup.facts?.notes[0]).toContain("no replication slot held the WAL");
      const first = /file ([0-9A-F]{24})/.exec(backup.facts?.backupLabel ?? "")?.[1];
      const left = await server.query<{ name: string }>("SELECT name FROM pg_ls_waldir()");
      expect(left.map(({ name }) => name)).not.toContain(first);
      expect(await own.drill({ backupId: backup.backupId })).toMatchObject({ outcome: "proven" });
    });

    it("says so when the server removed WAL it needed, and lists nothing", async () => {
      const before = await backupIds();
      const onStep = async (step: string) => {
        if (step === "backup:before-wal") await removeOldWal(server);
      };
      await expect(rig.backupFrom(filesFrom(server.dsn()), {}, rig.control({ onStep }))).rejects.toMatchObject({
        code: "wal-removed",
      });
      expect(await backupIds()).toEqual(before);
    });
  });

  it("keeps the server from removing WAL with a slot of its own", async () => {
    const onStep = async (step: string) => {
      if (step === "backup:before-wal") await removeOldWal(server);
    };
    const backup = await rig.backupFrom(filesFrom(server.dsn()), {}, rig.control({ onStep }));
    expect(backup.facts?.notes).toEqual([]);
    expect(await rig.verify(backup.backupId)).toMatchObject({ ok: true });
  });

  it("refuses a local folder that is a copy, another cluster, or nothing", async () => {
    await using dir = await tempDir("copy");
    await using other = await testServer();
    await cp(server.dataDir, dir.join("data"), { recursive: true });
    for (const dataDirectory of [dir.join("data"), other.dataDir, dir.join("nothing")]) {
      const source = filesFrom(server.dsn(), { dataDirectory });
      const error = await rig.backupFrom(source).catch((refusal: unknown) => refusal);
      expect(error).toMatchObject({ code: expect.stringMatching(/^(cluster-missing|backup-stream-damaged)$/) });
    }
  });

  it("names the pages that do not match their checksum, and keeps the backup", async () => {
    await server.query(
      "CREATE TABLE rotten AS SELECT g AS id, repeat('x', 500) AS body FROM generate_series(1, 500) g",
    );
    const [row] = await server.query<{ path: string }>("SELECT pg_relation_filepath('rotten') AS path");
    await server.stop();
    const handle = await open(join(server.dataDir, row?.path ?? ""), "r+");
    await handle.write(Buffer.from("rot"), 0, 3, 3 * 8192 + 4000);
    await handle.close();
    await server.start();
    for (const dataDirectory of [null, server.dataDir]) {
      const begun = rig.events.length;
      const backup = await rig.backupFrom(filesFrom(server.dsn(), { dataDirectory }));
      expect(backup.facts?.suspectPages).toEqual([{ path: row?.path, blocks: [3] }]);
      const said = rig.events.slice(begun).map((event) => ("message" in event ? event.message : ""));
      const found = said.findIndex((message) => message.includes("do not match their checksum"));
      // All that was found is known before the facts of the backup are put together.
      expect(found).toBeGreaterThan(-1);
      expect(found).toBeLessThan(said.indexOf("storing the manifest"));
    }
    await server.query("DROP TABLE rotten");
  });
});

/** Makes the server forget every segment but the newest, as far as nothing holds it. */
async function removeOldWal(server: TestServer): Promise<void> {
  for (let round = 0; round < 8; round++) {
    await writeAndSwitch(server);
    await server.query("CHECKPOINT");
  }
}

/** A switch in a segment without anything new does nothing. */
async function writeAndSwitch(server: TestServer): Promise<void> {
  await server.query("CREATE TABLE IF NOT EXISTS churn (id int)");
  await server.query("INSERT INTO churn SELECT generate_series(1, 10)");
  await server.query("SELECT pg_switch_wal()");
}

/** The first session of a backup is the one that holds it; the others read. */
function watchedSessions(server: TestServer) {
  const all: SqlSession[] = [];
  const pids: Promise<number>[] = [];
  const connect = async (signal: AbortSignal) => {
    const session = await SqlSession.connect(parseDsn(server.dsn()), { signal });
    all.push(session);
    pids.push(session.query<{ pid: number }>("SELECT pg_backend_pid() AS pid").then(([row]) => row?.pid ?? 0));
    return session;
  };
  return { all, pids, connect };
}
