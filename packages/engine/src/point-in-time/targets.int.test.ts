import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Secret } from "@tidemark/kit";
import { startCluster } from "@tidemark/local-postgres";
import type { RecoveryTarget } from "@tidemark/policy";
import { adoptCluster, type Major, majors, type TestServer, tempDir, testServer, waitFor } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EngineRig, engineRig } from "../engine-rig.ts";
import type { RestorePlan } from "../restore/plan-restore.ts";
import { neededWalFolder } from "./copy-needed-wal.ts";
import { numbers, type RecordedCommit, RecordedTimeline, rowsOf } from "./recorded-history.fixture.ts";
import type { RecoveryRequest } from "./recovery-request.ts";

type Action = RecoveryRequest["action"];
const actions = ["promote", "pause", "shutdown"] as const satisfies readonly Action[];
const kinds = [
  ...(["latest", "immediate", "name"] as const),
  ...(["time", "time before", "lsn", "lsn before", "xid", "xid before"] as const),
];

/** Every kind with every action on every major with TIDEMARK_TARGETS=all; a few of each otherwise. */
const isAll = process.env.TIDEMARK_TARGETS === "all";
const some: readonly Major[] = [13, 18];

function casesOf(major: Major): readonly { readonly kind: (typeof kinds)[number]; readonly action: Action }[] {
  const all = kinds.flatMap((kind, at) =>
    actions.map((action, turn) => ({ kind, action, isFirst: (at + major) % actions.length === turn })),
  );
  // Each kind once, each action three times; of an old major every third kind.
  return isAll ? all : all.filter(({ isFirst, kind }) => isFirst && (major === 18 || kinds.indexOf(kind) % 3 === 2));
}

describe.each(isAll ? majors : some)("PostgreSQL %i to a point in time", (major) => {
  let rig: EngineRig;
  let server: TestServer;
  let history: RecordedTimeline;
  let at: RecordedCommit;
  let count = 0;

  beforeAll(async () => {
    rig = await engineRig();
    const settings = {
      archive_mode: true,
      archive_command: "false",
      max_connections: 60,
      track_commit_timestamp: true,
    };
    server = await testServer({ major, walSegmentSizeMb: 1, settings });
    await server.query("CREATE TABLE ledger (id integer PRIMARY KEY, body text)");
    const [row] = await server.query<{ id: string }>("SELECT system_identifier::text AS id FROM pg_control_system()");
    history = new RecordedTimeline(server, rig.area.wal(BigInt(row?.id ?? 0)));
    await history.commit(numbers(1, 5));
    await rig.backup(server.dsn());
    await history.commit(numbers(6, 12));
    await server.query("SELECT pg_switch_wal()");
    await history.commit(numbers(13, 20));
    await server.query("SELECT pg_create_restore_point('here')");
    await history.commit(numbers(21, 24));
    await server.query("SELECT pg_switch_wal()");
    // More than a segment, so that the target is not in the first or last of it.
    await server.query("CREATE TABLE filler AS SELECT repeat('y', 900) FROM generate_series(1, 3000)");
    await history.commit(numbers(25, 30));
    await history.archiveWal();
    at = history.commits.find(({ id }) => id === 17) as RecordedCommit;
    // An archived server waits for its archiver when it stops; this one's never succeeds.
    await server.stop({ mode: "immediate" });
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await rig?.[Symbol.asyncDispose]();
  });

  /** What is asked for and the newest row that has to be there. */
  function targetOf(kind: (typeof kinds)[number]): readonly [RecoveryTarget, number] {
    const inclusive = !kind.endsWith("before");
    const through = inclusive ? 17 : 16;
    switch (kind) {
      case "latest":
        return [{ kind }, 30];
      case "immediate":
        return [{ kind }, 5];
      case "name":
        return [{ kind, name: "here" }, 20];
      case "time":
      case "time before":
        return [{ kind: "time", at: at.at, inclusive }, through];
      case "lsn":
      case "lsn before":
        return [{ kind: "lsn", lsn: at.lsn, inclusive }, through];
      case "xid":
      case "xid before":
        return [{ kind: "xid", xid: at.xid, inclusive }, through];
    }
  }

  function request(target: RecoveryTarget, more: Partial<RecoveryRequest> = {}): RecoveryRequest {
    const how = { timeline: "latest", action: "promote", asStandby: false, wal: "copy", fetch: null } as const;
    return { target, ...how, ...more };
  }

  async function restore(recovery: RecoveryRequest): Promise<{ readonly dataDir: string; readonly plan: RestorePlan }> {
    const dataDir = rig.dir.join(`restored-${++count}`);
    const owner = process.getuid?.() === 0 ? "postgres" : null;
    const plan = await rig.plan({ targetDirectory: dataDir, owner, recovery });
    expect(plan.checks.filter(({ state }) => state === "failed")).toEqual([]);
    await rig.restore(plan);
    return { dataDir, plan };
  }

  it.each(casesOf(major))("($kind, $action) has every row up to there and none behind", async ({ kind, action }) => {
    const [target, newest] = targetOf(kind);
    const { dataDir, plan } = await restore(request(target, { action }));
    if (action === "shutdown") await runUntilShutdown(server, dataDir);
    await using dir = await tempDir("pitr");
    await using restored = await adoptCluster(dir, server, { dataDir });
    if (action === "pause") {
      await waitFor(async () => (await paused(restored)) === true, { what: "recovery to pause" });
      expect(await rowsOf(restored)).toEqual(numbers(1, newest));
      await restored.query("SELECT pg_wal_replay_resume()");
    }
    await waitFor(async () => !(await isInRecovery(restored)), { what: "the end of recovery" });
    expect(await rowsOf(restored)).toEqual(numbers(1, newest));
    await restored.query("INSERT INTO ledger VALUES (1000, 'after')");
    expect(plan.recovery?.timeline).toBe(1);
    const [walfile] = await restored.query<{ name: string }>(
      "SELECT pg_walfile_name(pg_current_wal_insert_lsn()) AS name",
    );
    expect(walfile?.name.slice(0, 8)).toBe("00000002");
    const [settings] = await restored.query(
      "SELECT current_setting('archive_mode') AS archive, current_setting('primary_slot_name') AS slot, current_setting('max_connections') AS connections",
    );
    expect(settings).toEqual({ archive: "off", slot: "", connections: "60" });
    // What was copied is given back once the server stands on its own.
    expect(await readdir(join(dataDir, "pg_wal"))).not.toContain("tidemark");
  });

  it("becomes a standby that has everything and waits", async () => {
    const { dataDir } = await restore(request({ kind: "latest" }, { asStandby: true }));
    await using dir = await tempDir("pitr");
    await using restored = await adoptCluster(dir, server, { dataDir });
    await waitFor(async () => (await rowsOf(restored)).length === 30, { what: "the last row" });
    expect(await isInRecovery(restored)).toBe(true);
    expect(await readdir(dataDir)).toContain("standby.signal");
  });

  it("refuses what cannot be reached before anything is written, and names the last instant that can", async () => {
    const last = history.commits.at(-1) as RecordedCommit;
    const behind = new Date(last.at.getTime() + 60_000);
    const targetDirectory = rig.dir.join("never");
    const plan = await rig.plan({ targetDirectory, recovery: request({ kind: "time", at: behind, inclusive: true }) });
    expect(plan).toMatchObject({ ok: false, recovery: null });
    const refusal = plan.checks.find(({ id }) => id === "target");
    expect(refusal).toMatchObject({ state: "failed", code: "target-unreachable" });
    expect(refusal?.sentence).toContain(last.at.toISOString().replace("T", " ").replace("Z", " UTC"));
    await expect(rig.restore(plan)).rejects.toMatchObject({ code: "target-unreachable" });
    expect(await readdir(rig.dir.path)).not.toContain("never");
    for (const target of [
      { kind: "xid", xid: 4_000_000, inclusive: true },
      { kind: "lsn", lsn: last.endLsn + 0x1000_0000n, inclusive: true },
      { kind: "name", name: "nowhere" },
      { kind: "time", at: new Date(at.at.getTime() - 86_400_000), inclusive: true },
    ] as const) {
      const other = await rig.plan({ targetDirectory, recovery: request(target) });
      expect(
        other.checks.find(({ id }) => id === "target"),
        target.kind,
      ).toMatchObject({ code: "target-unreachable" });
    }
  });

  it("takes the time of the last commit there is", async () => {
    const last = history.commits.at(-1) as RecordedCommit;
    const { dataDir } = await restore(request({ kind: "time", at: last.at, inclusive: true }));
    await using dir = await tempDir("pitr");
    await using restored = await adoptCluster(dir, server, { dataDir });
    await waitFor(async () => !(await isInRecovery(restored)), { what: "the end of recovery" });
    expect(await rowsOf(restored)).toEqual(numbers(1, 30));
  });
});

/** Starts it, waits until it has ended by itself, and lets the next start go on from there, as the next steps say. */
async function runUntilShutdown(like: TestServer, dataDir: string): Promise<void> {
  const { installation } = like.cluster;
  const password = new Secret(like.password);
  const cluster = await startCluster({ installation, dataDir, superuser: like.superuser, password, until: "spawned" });
  await cluster.exited;
  await cluster.stop();
  expect(await readdir(dataDir)).toContain("recovery.signal");
  expect(await readdir(join(dataDir, neededWalFolder))).not.toEqual([]);
  const path = join(dataDir, "postgresql.auto.conf");
  await writeFile(path, (await readFile(path, "utf8")).replace(/(recovery_target_action = )'shutdown'/, "$1'promote'"));
}

async function isInRecovery(server: TestServer): Promise<boolean> {
  return (await server.query<{ yes: boolean }>("SELECT pg_is_in_recovery() AS yes"))[0]?.yes === true;
}

async function paused(server: TestServer): Promise<boolean | undefined> {
  return (await server.query<{ yes: boolean }>("SELECT pg_is_wal_replay_paused() AS yes"))[0]?.yes;
}
