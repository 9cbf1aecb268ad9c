import type { RecoveryTarget } from "@tidemark/policy";
import { adoptCluster, type TestServer, tempDir, testServer, waitFor } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EngineRig, engineRig } from "../engine-rig.ts";
import { numbers, type RecordedCommit, RecordedTimeline, rowsOf } from "./recorded-history.fixture.ts";
import type { RecoveryRequest } from "./recovery-request.ts";

/**
 * One cluster and its forks, each made as people make them, by a restore to a point in time that was promoted:
 * rows 1 to 20 on timeline 1; 2 leaves it after row 12 with 101 to 110; 3 leaves 2 after row 105 with 201 to 205; 4 leaves 1 after
 * row 16 with 301 to 305. Beside them a history that came from elsewhere.
 */
describe("a chain of three timelines with a fork, and a foreign history", () => {
  let rig: EngineRig;
  let server: TestServer;
  let first: RecordedTimeline;
  let second: RecordedTimeline;
  let count = 0;

  beforeAll(async () => {
    rig = await engineRig();
    server = await testServer({ major: 18, walSegmentSizeMb: 1 });
    await server.query("CREATE TABLE ledger (id integer PRIMARY KEY, body text)");
    const [row] = await server.query<{ id: string }>("SELECT system_identifier::text AS id FROM pg_control_system()");
    const archive = rig.area.wal(BigInt(row?.id ?? 0));
    first = new RecordedTimeline(server, archive);
    await first.commit(numbers(1, 3));
    await rig.backup(server.dsn());
    await first.commit(numbers(4, 14));
    await server.query("SELECT pg_switch_wal()");
    await first.commit(numbers(15, 18));
    await server.query("SELECT pg_create_restore_point('only on 1')");
    await first.commit(numbers(19, 20));
    await first.archiveWal();
    await server.stop();
    second = await fork(1, commitOf(first, 12), numbers(101, 110));
    await fork(2, commitOf(second, 105), numbers(201, 205));
    await fork(1, commitOf(first, 16), numbers(301, 305));
    await archive.putHistory(
      9,
      Buffer.from("1\t0/1000028\tof another cluster\n7\t0/2000028\tno recovery target specified\n"),
    );
    await archive.putHistory(11, Buffer.from("not a history at all\n"));
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await rig?.[Symbol.asyncDispose]();
  });

  /** Restores to just behind a commit, lets the server go on from there, and archives what it writes. */
  async function fork(timeline: number, { xid }: RecordedCommit, ids: readonly number[]): Promise<RecordedTimeline> {
    return await restored({ target: { kind: "xid", xid, inclusive: true }, timeline }, async (copy) => {
      const branch = new RecordedTimeline(copy, first.archive);
      await branch.commit(ids);
      await branch.archiveWal();
      return branch;
    });
  }

  async function restored<T>(
    wanted: Pick<RecoveryRequest, "target" | "timeline">,
    look: (copy: TestServer) => Promise<T>,
  ): Promise<T> {
    const dataDir = rig.dir.join(`restored-${++count}`);
    const owner = process.getuid?.() === 0 ? "postgres" : null;
    const how = { action: "promote", asStandby: false, wal: "copy", fetch: null } as const;
    const plan = await rig.plan({ targetDirectory: dataDir, owner, recovery: { ...wanted, ...how } });
    await rig.restore(plan);
    await using dir = await tempDir("branch");
    await using copy = await adoptCluster(dir, server, { dataDir });
    const question = "SELECT pg_is_in_recovery() AS yes";
    await waitFor(async () => (await copy.query<{ yes: boolean }>(question))[0]?.yes === false, { what: "promotion" });
    return await look(copy);
  }

  const on1 = numbers(1, 20);
  const on2 = [...numbers(1, 12), ...numbers(101, 110)];
  const on3 = [...numbers(1, 12), ...numbers(101, 105), ...numbers(201, 205)];
  const on4 = [...numbers(1, 16), ...numbers(301, 305)];
  it.each([
    [1, on1],
    [2, on2],
    [3, on3],
    [4, on4],
    ["latest", on4],
  ] as const)("recovers to the end of timeline %s", async (timeline, rows) => {
    await restored({ target: { kind: "latest" }, timeline }, async (copy) => {
      expect(await rowsOf(copy)).toEqual(rows);
      // The next free number, although 9 and 11 are taken.
      const [name] = await copy.query<{ name: string }>("SELECT pg_walfile_name(pg_current_wal_insert_lsn()) AS name");
      expect(name?.name.slice(0, 8)).toBe("00000005");
    });
  });

  it.each([
    ["1, behind where 2 left it", 1, () => commitOf(first, 14), numbers(1, 14)],
    ["2, before where 3 left it", 2, () => commitOf(second, 103), [...numbers(1, 12), ...numbers(101, 103)]],
    ["2, behind where 3 left it", 2, () => commitOf(second, 108), [...numbers(1, 12), ...numbers(101, 108)]],
    ["3, on what it has of 2", 3, () => commitOf(second, 104), [...numbers(1, 12), ...numbers(101, 104)]],
    ["3, on what it has of 1", 3, () => commitOf(first, 8), numbers(1, 8)],
  ] as const)("stops at an instant of timeline %s", async (_, timeline, commit, rows) => {
    const target: RecoveryTarget = { kind: "time", at: commit().at, inclusive: true };
    await restored({ target, timeline }, async (copy) => expect(await rowsOf(copy)).toEqual(rows));
  });

  it("finds a transaction in the segment where timelines part, which the younger's file repeats", async () => {
    const how = { action: "promote", asStandby: false, wal: "copy", fetch: null } as const;
    for (const timeline of [1, 2, 3]) {
      const target = { kind: "xid", xid: commitOf(first, 8).xid, inclusive: false } as const;
      const recovery = { target, timeline, ...how };
      const plan = await rig.plan({ targetDirectory: rig.dir.join("never"), recovery });
      expect(plan.checks.find(({ id }) => id === "target")?.state, `timeline ${timeline}`).toBe("ok");
      expect(plan.recovery?.timeline).toBe(timeline);
    }
  });

  it("refuses on one branch what only another has", async () => {
    for (const timeline of [2, 3, 9, 77]) {
      const how = { action: "promote", asStandby: false, wal: "copy", fetch: null } as const;
      const recovery = { target: { kind: "name", name: "only on 1" }, timeline, ...how } as const;
      const plan = await rig.plan({ targetDirectory: rig.dir.join("never"), recovery });
      const check = plan.checks.find(({ id }) => id === "target");
      expect(check, `timeline ${timeline}`).toMatchObject({ state: "failed", code: "target-unreachable" });
    }
  });
});

function commitOf({ commits }: RecordedTimeline, id: number): RecordedCommit {
  const commit = commits.find((one) => one.id === id);
  if (commit === undefined) throw new RangeError(`row ${id} was never committed there`);
  return commit;
}
