import { readdir } from "node:fs/promises";
import { systemClock } from "@tidemark/kit";
import { formatLsn, type Lsn, parseLsn } from "@tidemark/postgres";
import { majors } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EngineRig, engineRig } from "../engine-rig.ts";
import { type ArchivedServer, archivedServer } from "./archived-server.fixture.ts";
import { noExpectations } from "./drill-expectations.ts";
import { obstacleAnywhere, planTrial } from "./plan-drill.ts";
import type { DrillRequest } from "./run-drill.ts";
import { scratchPlace } from "./scratch.ts";

interface Mark {
  readonly lsn: bigint;
  readonly at: Date;
}

/** All majors with TIDEMARK_ALL_MAJORS; the oldest and the newest else. */
const chosen = process.env.TIDEMARK_ALL_MAJORS === undefined ? ([13, 18] as const) : majors;

describe.each(chosen)("a drill of PostgreSQL %i to a target", (major) => {
  let rig: EngineRig;
  let archived: ArchivedServer;
  /** Where the server stood after each of the rows 1 to 4. */
  const marks: Mark[] = [];
  const countIs = (rows: number) => ({
    ...noExpectations,
    sql: [
      {
        name: "rows",
        database: "postgres",
        sql: "SELECT count(*)::int, max(id) FROM ledger",
        expected: [[String(rows), rows === 0 ? null : String(rows)]],
        timeoutMs: 10_000,
      },
    ],
  });
  const drill = (request: Partial<DrillRequest>) => rig.drill({ timeline: "latest", ...request });

  beforeAll(async () => {
    rig = await engineRig();
    archived = await archivedServer(rig, major);
    const { server } = archived;
    await server.query("CREATE TABLE ledger (id int PRIMARY KEY)");
    await server.query("CREATE TABLE wide AS SELECT g AS id FROM generate_series(1, 1000) g");
    await server.query("ANALYZE wide");
    await rig.backup(server.dsn());
    for (let id = 1; id <= 4; id++) {
      await server.query("INSERT INTO ledger VALUES ($1)", [id]);
      const [row] = await server.query<{ lsn: string; at: Date }>(
        "SELECT pg_current_wal_insert_lsn()::text AS lsn, clock_timestamp() AS at",
      );
      marks.push({ lsn: parseLsn(row?.lsn ?? ""), at: row?.at ?? new Date(0) });
      await archived.archive();
    }
  });
  afterAll(async () => {
    await archived?.[Symbol.asyncDispose]();
    await rig?.[Symbol.asyncDispose]();
  });

  it("recovers to the end of the archived WAL unless told otherwise, and leaves evidence of it", async () => {
    const report = await drill({ expectations: countIs(4) });
    expect(report).toMatchObject({ outcome: "proven", reason: null, log: null });
    expect(report.phases.map(({ name }) => name)).toEqual(["fetch", "start", "replay", "check"]);
    expect(report.rtoMs).toBeGreaterThan(0);
    expect(report.recovery?.target).toEqual({ kind: "latest" });
    expect(report.recovery?.reached.lsn).toBeGreaterThan(marks[3]?.lsn ?? 0n);
    expect(report.recovery?.segments).toBeGreaterThanOrEqual(4);
    expect(report.restored).toMatchObject({ serverName: "test", systemIdentifier: archived.systemIdentifier });
    expect(report.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(report.checks.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["reached the target", "consistent", "started", "page checksums", "stopped cleanly"]),
    );
    expect(await readdir(rig.dir.join("scratch"))).toEqual([]);
  });

  it("goes to the end of a window that is shorter than it should go back", async () => {
    const goal = { backupId: null, timeline: "latest", action: "promote" } as const;
    const place = await scratchPlace(rig.dir.join("scratch"), "run_plan");
    const { signal } = new AbortController();
    const plan = (ms: number) =>
      planTrial({ area: rig.area, clock: systemClock }, { ...goal, target: { kind: "behind", ms } }, place, signal);
    const far = await plan(3_600_000);
    expect(obstacleAnywhere(far)).toBeNull();
    expect(far.recovery?.request.target).toEqual({ kind: "latest" });
    expect((await plan(1)).recovery?.request.target).toMatchObject({ kind: "time" });
  });

  it("recovers to a time, and to an LSN", async () => {
    const [, second, third] = marks;
    if (second === undefined || third === undefined) throw new Error("no marks");
    const toTime = await drill({ target: { kind: "time", at: second.at, inclusive: true }, expectations: countIs(2) });
    expect(toTime).toMatchObject({ outcome: "proven", reason: null });
    expect(toTime.recovery?.reached.at?.getTime()).toBeLessThanOrEqual(second.at.getTime());
    const toLsn = await drill({ target: { kind: "lsn", lsn: third.lsn, inclusive: false }, expectations: countIs(3) });
    expect(toLsn).toMatchObject({ outcome: "proven", reason: null });
  });

  // What is no matter of the major is tried with the newest.
  it.runIf(major === 18)("recovers to so long before the last commit, and to the end of the backup", async () => {
    const [, , third, fourth] = marks;
    // Half-way between the two: a clock is asked a little after its commit, and not each time equally late.
    const ms = Math.floor(((fourth?.at.getTime() ?? 0) - (third?.at.getTime() ?? 0)) / 2);
    const behind = await drill({ target: { kind: "behind", ms }, expectations: countIs(3) });
    expect(behind).toMatchObject({ outcome: "proven", reason: null });
    expect(await drill({ target: { kind: "immediate" }, expectations: countIs(0) })).toMatchObject({
      outcome: "proven",
    });
  });

  it.runIf(major === 18)("fails and says why when what it finds is not what was expected", async () => {
    const rows = [
      { database: "postgres", table: "ledger", rows: 5, tolerancePercent: 0 },
      { database: "postgres", table: "wide", rows: 990, tolerancePercent: 2 },
      { database: "postgres", table: "nowhere", rows: 1, tolerancePercent: 0 },
      { database: "elsewhere", table: "ledger", rows: 1, tolerancePercent: 0 },
    ];
    const ask = (name: string, sql: string) => ({
      name,
      database: "postgres",
      sql,
      expected: [["true"]],
      timeoutMs: 1000,
    });
    const sql = [
      ask("wrong", "SELECT count(*) = 5 FROM ledger"),
      ask("slow", "SELECT pg_sleep(20)"),
      ask("writes", "DELETE FROM ledger"),
      ask("escapes", "COPY (SELECT 1) TO PROGRAM 'cat'"),
      ask("right", "SELECT count(*) = 4 FROM ledger"),
    ];
    const report = await drill({ expectations: { rows, sql, estimateTolerancePercent: 10 } });
    expect(report.outcome).toBe("failed");
    expect(report.reason).toContain("expected rows of elsewhere: ledger: there is no such database (and 6 more)");
    const failed = report.checks.filter(({ ok }) => !ok).map(({ name, detail }) => `${name}: ${detail}`);
    expect(failed).toEqual([
      "expected rows of elsewhere: ledger: there is no such database",
      "expected rows of postgres: ledger: 4 rows, 5 expected",
      "expected rows of postgres: nowhere: there is no such table",
      'query wrong on postgres: [["false"]] instead of [["true"]]',
      "query slow on postgres: no answer within 1000 ms",
      expect.stringMatching(/^query writes on postgres: .*(read-only|permission denied)/),
      expect.stringMatching(/^query escapes on postgres: .*permission denied/),
    ]);
    expect(report.checks.find(({ name }) => name === "rows of postgres: public.wide")).toMatchObject({
      ok: true,
      detail: "1000 rows, 1000 expected within 10 %",
    });
    expect(report.log).toContain("consistent recovery state reached");
  });

  it.runIf(major === 18)("does not try what needs more space than is allowed", async () => {
    expect(await drill({ maxBytes: 1_000_000n })).toMatchObject({
      outcome: "not-possible",
      reason: expect.stringContaining("are allowed here"),
    });
  });

  // Last: it takes WAL away.
  it.runIf(major === 18)("fails and names the WAL that is missing, damaged, or not reached", async () => {
    const late = await drill({ target: { kind: "time", at: new Date("2100-01-01T00:00:00Z"), inclusive: true } });
    expect(late).toMatchObject({ outcome: "failed", recovery: null });
    expect(late.reason).toMatch(/2100|last/);
    // What cannot be reached is known before anything is fetched, and is a verdict only where somebody promised it.
    const past = { kind: "time", at: new Date("2001-01-01T00:00:00Z"), inclusive: true } as const;
    const early = await drill({ target: past });
    expect(early).toMatchObject({ outcome: "failed", phases: [], recovery: null, rtoMs: null });
    const asked = await drill({ target: past, promised: false });
    expect(asked).toMatchObject({ outcome: "unreachable", phases: [], checks: [], log: null });
    expect(asked.reason).toMatch(/2001.* cannot be reached; the first one after it is/);
    const archive = rig.area.wal(archived.systemIdentifier);
    const segments: string[] = [];
    for await (const { kind, name } of archive.list()) if (kind === "segment") segments.push(name);
    const place = { timeline: 1, startLsn: 0n, sizeBytes: 1 << 20 };
    const middle = segments.at(-3) ?? "";
    const startLsn = BigInt(`0x${middle.slice(16)}`) * 0x10_0000n;
    await archive.removeSegments([{ ...place, startLsn }]);
    // To the end of the WAL it comes to the gap only, and what is behind would be lost.
    const latest = await drill({ expectations: noExpectations });
    expect(latest.outcome).toBe("failed");
    expect(latest.reason).toContain("reached the target: the recovery stopped at");
    expect(latest.reason).toContain(`before missing WAL (${formatLsn(startLsn as Lsn)} to `);
    expect(latest.checks.filter(({ ok }) => !ok)).toHaveLength(1);
    const report = await drill({ target: { kind: "lsn", lsn: marks[3]?.lsn ?? 0n, inclusive: false } });
    expect(report.outcome).toBe("failed");
    expect(report.reason).toContain("cannot be reached");
  });
});
