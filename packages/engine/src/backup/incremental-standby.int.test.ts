import { parseDsn, SqlSession } from "@tidemark/postgres";
import { standbyOf, type TestServer, testServer, waitFor } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EngineRig, engineRig, streamFrom } from "../engine-rig.ts";
import { checkWhole, withRestored } from "./restored-server.fixture.ts";

describe.each([17, 18] as const)("increments of a standby of PostgreSQL %i", (major) => {
  let rig: EngineRig;
  let primary: TestServer;
  let standby: TestServer;
  beforeAll(async () => {
    rig = await engineRig();
    primary = await testServer({ major, settings: { autovacuum: false, summarize_wal: true } });
    for (const table of ["early", "late"]) {
      const rows = "SELECT g AS id, repeat(md5(g::text), 34) AS body FROM generate_series(1, 1400) g";
      await primary.query(`CREATE TABLE ${table} AS ${rows}`);
    }
    await primary.query("VACUUM FREEZE");
    await rig.backup(primary.dsn());
    standby = await standbyOf(primary);
  });
  afterAll(async () => {
    await standby?.[Symbol.asyncDispose]();
    await primary?.[Symbol.asyncDispose]();
    await rig?.[Symbol.asyncDispose]();
  });

  const connectPrimary = (signal: AbortSignal) => SqlSession.connect(parseDsn(primary.dsn()), { signal });
  const ofStandby = (asksPrimary: boolean) => ({
    ...streamFrom(standby.dsn()),
    ...(asksPrimary ? { connectPrimary } : {}),
  });

  it("build on a backup of the primary, behind a restartpoint that is asked for", async () => {
    await primary.query("UPDATE early SET body = 'changed' WHERE id % 100 = 7");
    await replayed(primary, standby);
    const backup = await rig.backupFrom(ofStandby(true));
    expect(backup.facts).toMatchObject({ fromStandby: true, reading: { kind: "incremental", fromTimeline: 1 } });
    expect(await rig.verify(backup.backupId)).toMatchObject({ ok: true });
  });

  it("become full ones when no restartpoint comes in time", async () => {
    const backup = await rig.backupFrom(ofStandby(false), { restartpointWaitMs: 300 });
    const reason = expect.stringMatching(/^the standby made no restartpoint behind .* within 0 s$/);
    expect(backup.facts?.reading).toEqual({ kind: "full", reason });
  });

  it("go on after a promotion, with what was cut before it and grew after it", async () => {
    await primary.query("CHECKPOINT");
    await cut(primary, "early");
    await replayed(primary, standby);
    await standby.query("SELECT pg_promote(true, 60)");
    await grow(standby, "early");
    await cut(standby, "late");
    await grow(standby, "late");
    const backup = await rig.backup(standby.dsn());
    expect(backup.facts).toMatchObject({ fromStandby: false, timeline: 2, reading: { fromTimeline: 1 } });
    const digest =
      "SELECT (SELECT md5(string_agg(id || body, ',' ORDER BY id)) FROM early) AS early, (SELECT md5(string_agg(id || body, ',' ORDER BY id)) FROM late) AS late";
    const wanted = await standby.query(digest);
    await withRestored({ rig, server: standby, backupId: backup.backupId, name: "promoted" }, async (query) => {
      expect(await query(digest)).toEqual(wanted);
      await checkWhole(query);
    });
    // The next one builds on a backup of the new timeline.
    expect((await rig.backup(standby.dsn())).facts?.reading).toMatchObject({ kind: "incremental", fromTimeline: 2 });
  });

  it("are refused by a server that went another way", async () => {
    const backup = await rig.backup(primary.dsn());
    const reason = "the last backup is of timeline 2, which is not in the server's history";
    expect(backup.facts?.reading).toEqual({ kind: "full", reason });
  });
});

async function replayed(primary: TestServer, standby: TestServer): Promise<void> {
  const [row] = await primary.query<{ lsn: string }>("SELECT pg_current_wal_flush_lsn()::text AS lsn");
  const isReplayed = async () => {
    const [state] = await standby.query<{ yes: boolean }>("SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS yes", [
      row?.lsn,
    ]);
    return state?.yes === true;
  };
  await waitFor(isReplayed, { what: "the standby's replay", timeoutMs: 30_000 });
}

/** Leaves the first half of the rows, and of the pages. */
async function cut(server: TestServer, table: string): Promise<void> {
  await server.query(`DELETE FROM ${table} WHERE id > 700`);
  await server.query(`VACUUM ${table}`);
}

/** COPY leaves pages of zeros behind what it filled. */
async function grow(server: TestServer, table: string): Promise<void> {
  const file = `${await server.folder("copied")}/${table}`;
  await server.query(`COPY (SELECT g, repeat(md5(g::text), 34) FROM generate_series(5001, 5300) g) TO '${file}'`);
  await server.query(`COPY ${table} FROM '${file}'`);
  await server.query(`UPDATE ${table} SET body = 'late' WHERE id % 50 = 3`);
}
