import { systemClock } from "@tidemark/kit";
import { type Lsn, walSegmentStart } from "@tidemark/postgres";
import type { WalArchive } from "@tidemark/repository";
import { lsnValue, type TestServer, testServer } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EngineRig, engineRig } from "../../engine-rig.ts";
import { RecordedTimeline } from "../../point-in-time/recorded-history.fixture.ts";
import { findArchivedMoments, type MomentQuestion } from "./find-archived-moments.ts";

const sizeBytes = 1 << 20;

/** A backup that took more than a segment of WAL, an accident, one whose WAL got lost, another backup, and a last accident. */
describe("finding the moment in an archive with a gap", () => {
  let rig: EngineRig;
  let server: TestServer;
  let archive: WalArchive;
  const backupIds: string[] = [];
  const xids: string[] = [];

  beforeAll(async () => {
    rig = await engineRig();
    server = await testServer({ major: 18, walSegmentSizeMb: 1, settings: { wal_keep_size: "1GB" } });
    await server.query("CREATE TABLE plain AS SELECT g AS id FROM generate_series(1, 3000) g");
    const [row] = await server.query<{ id: string }>("SELECT system_identifier::text AS id FROM pg_control_system()");
    archive = rig.area.wal(BigInt(row?.id ?? 0));
    let hasWritten = false;
    const long = await rig.backup(
      server.dsn(),
      {},
      rig.control({
        onStep: async (step) => {
          if (hasWritten || step !== "backup:before-first-file") return;
          hasWritten = true;
          await server.query("CREATE TABLE young AS SELECT g AS id FROM generate_series(1, 2000) g");
          await server.query("CREATE TABLE filler AS SELECT repeat('y', 900) FROM generate_series(1, 3000)");
        },
      }),
    );
    backupIds.push(long.backupId);
    await accident("DELETE FROM young WHERE id <= 600");
    await server.query("SELECT pg_switch_wal()");
    const lostFrom = await place();
    await accident("DELETE FROM plain WHERE id <= 500");
    await server.query("SELECT pg_switch_wal()");
    const short = await rig.backup(server.dsn());
    backupIds.push(short.backupId);
    await accident("UPDATE plain SET id = -id WHERE id <= 1200");
    await new RecordedTimeline(server, archive).archiveWal();
    // The backup holds this one itself; the other nobody has any more.
    const lost = [
      walSegmentStart((long.facts?.startLsn ?? 0n) as Lsn, sizeBytes),
      walSegmentStart(lostFrom as Lsn, sizeBytes),
    ];
    expect((long.facts?.stopLsn ?? 0n) - (lost[0] ?? 0n)).toBeGreaterThan(sizeBytes);
    await archive.removeSegments(lost.map((startLsn) => ({ timeline: 1, startLsn, sizeBytes })));
  });

  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await rig?.[Symbol.asyncDispose]();
  });

  it("starts in the WAL inside the backup, goes on behind the gap with the next, and says what is missing", async () => {
    const report = await find();
    expect(report.backupIds).toEqual(backupIds);
    expect(
      report.moments.map(({ xid, changes }) => [
        String(xid),
        changes[0]?.kind,
        changes[0]?.relation?.name,
        changes[0]?.rows,
      ]),
    ).toEqual([
      [xids[0], "deleted", "young", 600],
      [xids[2], "updated", "plain", 700],
    ]);
    expect(report.moments.every(({ restorable }) => restorable)).toBe(true);
    expect(report.limits).toEqual([
      expect.stringMatching(/^what was committed before/),
      expect.stringMatching(/^WAL is missing after .* and before .* cannot be found$/),
      expect.stringMatching(/^the last commit in the WAL that is here/),
    ]);
    const progress = rig.events.flatMap((event) => (event.kind === "progress" ? [event] : []));
    expect(progress.at(-1)?.doneBytes).toBeGreaterThan(0n);
    expect(progress.every(({ doneBytes, totalBytes }) => doneBytes <= (totalBytes ?? 0n))).toBe(true);
  });

  it("gives as many as were asked for over all parts", async () => {
    const { moments, limits } = await find({ mostMoments: 1 });
    expect([moments.length, String(moments[0]?.xid)]).toEqual([1, xids[0]]);
    expect(limits).toContainEqual(expect.stringContaining("only 1"));
  });

  it("ends when it is cancelled", async () => {
    const stop = new AbortController();
    const control = rig.control({ signal: stop.signal });
    const emit: typeof control.emit = (event) => {
      if (event.kind === "phase" && event.phase === "searching") stop.abort();
    };
    await expect(find({}, { ...control, emit })).rejects.toMatchObject({ code: "cancelled" });
  });

  async function find(question: Partial<MomentQuestion> = {}, control = rig.control()) {
    return await findArchivedMoments(
      { area: rig.area, clock: systemClock },
      {
        ...{ database: "postgres", relation: null, leastRows: 300, timeline: null, mostMoments: 100 },
        ...{ from: new Date(0), to: new Date("2100-01-01T00:00:00Z"), ...question },
      },
      control,
    );
  }

  async function accident(sql: string): Promise<void> {
    const client = await server.client();
    await client.query("BEGIN");
    await client.query(sql);
    const { rows } = await client.query<{ xid: string }>("SELECT txid_current()::text AS xid");
    await client.query("COMMIT");
    await client.end();
    xids.push(rows[0]?.xid ?? "");
  }

  async function place(): Promise<bigint> {
    const [row] = await server.query<{ lsn: string }>("SELECT pg_current_wal_insert_lsn()::text AS lsn");
    return lsnValue(row?.lsn ?? "");
  }
});
