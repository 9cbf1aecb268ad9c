import { newId } from "@tidemark/kit";
import { waitFor } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NewRun } from "./run-store.ts";
import { type Seed, type TestMetadata, testMetadata } from "./test-database.ts";

let database: TestMetadata;
let seed: Seed;
const workerA = newId("worker");
const workerB = newId("worker");

beforeAll(async () => {
  database = await testMetadata();
  seed = await database.seed();
  for (const id of [workerA, workerB]) {
    await database.metadata.workers.register({ id, hostname: "h", pid: 1, version: "0.1.0", restoreRoots: [] });
  }
});
afterAll(() => database[Symbol.asyncDispose]());

const newRun = (change: Partial<NewRun> = {}): NewRun => ({
  kind: "verify",
  request: { serverId: seed.serverId, backupId: "bak_x" },
  requestedBy: "user:admin",
  serverId: seed.serverId,
  ...change,
});
const start = async (workerId = workerA) => {
  const { run } = await database.metadata.runs.create(newRun());
  await database.metadata.runs.claim(run.id, workerId);
  return run;
};

describe("claim", () => {
  it("gives a run to exactly one of many workers that ask at once", async () => {
    const { runs } = database.metadata;
    const { run } = await runs.create(newRun());
    const asked = await Promise.all(
      Array.from({ length: 12 }, (_, index) => runs.claim(run.id, index % 2 === 0 ? workerA : workerB)),
    );
    const won = asked.filter((answer) => answer.claimed);
    expect(won).toHaveLength(1);
    expect(asked.filter((answer) => !answer.claimed && answer.reason === "running")).toHaveLength(11);
    expect(won[0]?.run).toMatchObject({ state: "running", attempts: 1, waitingReason: null });
  });

  it("takes a waiting run, refuses a final one and one that is not there", async () => {
    const { runs } = database.metadata;
    const { run } = await runs.create(newRun());
    expect(await runs.setWaiting(run.id, "waiting for backup run run_x")).toBe(true);
    expect((await runs.get(run.id))?.waitingReason).toBe("waiting for backup run run_x");
    expect((await runs.claim(run.id, workerA)).claimed).toBe(true);
    await runs.finish(run.id, { state: "succeeded", result: { ok: true } });
    expect(await runs.claim(run.id, workerB)).toMatchObject({ claimed: false, reason: "final" });
    expect(await runs.claim(newId("run"), workerB)).toMatchObject({ claimed: false, reason: "missing", run: null });
    expect(await runs.setWaiting(run.id, "late")).toBe(false);
  });
});

describe("the verdict of drills", () => {
  it("is that of the last one that had any, whatever was cancelled or not possible since", async () => {
    const { runs } = database.metadata;
    const drill = async (result: { readonly outcome: string } | null) => {
      const { run } = await runs.create(newRun({ kind: "drill" }));
      await runs.claim(run.id, workerA);
      await runs.finish(run.id, { state: "failed", result, error: { code: "drill-failed", message: "x", hint: null } });
      return run.id;
    };
    expect(await runs.latestDrillVerdicts([seed.serverId])).toEqual([]);
    await drill({ outcome: "proven" });
    const failed = await drill({ outcome: "failed" });
    await drill({ outcome: "not-possible" });
    await drill(null);
    expect((await runs.latestDrillVerdicts([seed.serverId])).map(({ id }) => id)).toEqual([failed]);
  });
});

describe("finish", () => {
  it("ends a run once; a second end changes nothing and says so", async () => {
    const { runs } = database.metadata;
    const run = await start();
    const both = await Promise.all([
      runs.finish(run.id, { state: "succeeded", result: { checkedFiles: 3 } }),
      runs.finish(run.id, { state: "failed", error: { code: "internal", message: "no", hint: null } }),
    ]);
    expect(both.map((one) => one.finished).sort()).toEqual([false, true]);
    const events = await runs.eventsAfter(run.id, 0, 100);
    expect(events).toHaveLength(1);
    const after = await runs.get(run.id);
    expect(events[0]?.runState).toBe(after?.state);
    expect(after?.finishedAt).toBeInstanceOf(Date);
    await expect(
      database.server.query(`UPDATE run SET state = 'running', finished_at = NULL WHERE id = '${run.id}'`, [], {
        database: "tidemark",
      }),
    ).rejects.toThrow("cannot become");
  });

  it("ends the backup's row with a run that did not succeed", async () => {
    const { runs, backups } = database.metadata;
    const backupId = newId("backup");
    const { run } = await runs.create(
      newRun({ kind: "backup", backup: { id: backupId, serverId: seed.serverId, repositoryId: seed.repositoryId } }),
    );
    expect(run.backupId).toBe(backupId);
    expect((await backups.get(backupId))?.runId).toBe(run.id);
    await runs.claim(run.id, workerA);
    await runs.finish(run.id, { state: "failed", error: { code: "wal-removed", message: "gone", hint: "again" } });
    expect(await backups.get(backupId)).toMatchObject({
      state: "failed",
      error: { code: "wal-removed", message: "gone", hint: "again" },
    });
    expect(await backups.findOrphaned()).toEqual([]);
  });

  it("closes the log", async () => {
    const { runs } = database.metadata;
    const run = await start();
    await runs.finish(run.id, { state: "cancelled" });
    expect(await runs.appendEvents(run.id, [{ level: "info", message: "late" }])).toBeNull();
    expect((await runs.eventsAfter(run.id, 0, 10)).map((event) => event.message)).toEqual(["verify cancelled"]);
    await expect(runs.appendEvents(newId("run"), [{ level: "info", message: "x" }])).rejects.toMatchObject({
      code: "not-found",
    });
  });
});

describe("events", () => {
  it("are numbered without gaps by writers at the same time", async () => {
    const { runs } = database.metadata;
    const run = await start();
    await Promise.all(
      Array.from({ length: 30 }, (_, writer) =>
        runs.appendEvents(
          run.id,
          Array.from({ length: 1 + (writer % 3) }, (_, line) => ({
            level: "info" as const,
            message: `${writer}.${line}`,
            done: 5n,
            total: 2n ** 62n,
          })),
        ),
      ),
    );
    const events = await runs.eventsAfter(run.id, 0, 1_000);
    expect(events.map((event) => event.seq)).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
    expect((await runs.get(run.id))?.lastSeq).toBe(60);
    expect(events[0]).toMatchObject({ done: 5n, total: 2n ** 62n, runState: "running", level: "info" });
    // Lines of one call stay together and in order.
    const at = events.findIndex((event) => event.message === "2.0");
    expect(events.slice(at, at + 3).map((event) => event.message)).toEqual(["2.0", "2.1", "2.2"]);
    expect((await runs.eventsAfter(run.id, 58, 10)).map((event) => event.seq)).toEqual([59, 60]);
  });

  it("wake a watcher, also after the notification connection broke", async () => {
    const { runs } = database.metadata;
    const run = await start();
    const stop = new AbortController();
    const seen: number[] = [];
    const watched = (async () => {
      let last = 0;
      for await (const _ of database.metadata.watchRun(run.id, stop.signal)) {
        // Asked before the events: what ends a run between two questions is then read at the next look.
        const isOver = (await runs.get(run.id))?.finishedAt !== null;
        for (const event of await runs.eventsAfter(run.id, last, 100)) {
          seen.push(event.seq);
          last = event.seq;
        }
        if (isOver) return;
      }
    })();
    await runs.appendEvents(run.id, [{ level: "info", message: "one" }]);
    await database.server.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tidemark watch'",
    );
    await runs.appendEvents(run.id, [{ level: "info", message: "two" }]);
    await runs.finish(run.id, { state: "succeeded" });
    await watched;
    expect(seen).toEqual([1, 2, 3]);
    stop.abort();
  });
});

describe("create", () => {
  it("answers the same request under the same key with the same run, also at the same time", async () => {
    const { runs } = database.metadata;
    const idempotency = { principal: "user:admin", key: "k1", requestHash: "aa" };
    const answers = await Promise.all(Array.from({ length: 6 }, () => runs.create(newRun({ idempotency }))));
    expect(new Set(answers.map((answer) => answer.run.id)).size).toBe(1);
    expect(answers.filter((answer) => answer.outcome === "created")).toHaveLength(1);
    await expect(runs.create(newRun({ idempotency: { ...idempotency, requestHash: "bb" } }))).rejects.toMatchObject({
      code: "idempotency-key-reused",
    });
    const other = await runs.create(newRun({ idempotency: { ...idempotency, principal: "user:other" } }));
    expect(other.outcome).toBe("created");
  });

  it("makes one run for one firing of a schedule and remembers it", async () => {
    const { runs, schedules } = database.metadata;
    const [schedule] = await schedules.ofServers([seed.serverId]);
    if (schedule === undefined) throw new Error("no schedule");
    const firedFor = new Date("2026-11-20T02:00:00Z");
    const wanted = () => newRun({ schedule: { id: schedule.id, firedFor }, requestedBy: "schedule" });
    const answers = await Promise.all([runs.create(wanted()), runs.create(wanted()), runs.create(wanted())]);
    expect(answers.map((answer) => answer.outcome).sort()).toEqual([
      "already-scheduled",
      "already-scheduled",
      "created",
    ]);
    expect((await schedules.get(schedule.id))?.lastFiredAt).toEqual(firedFor);
    await schedules.recordFired(schedule.id, new Date("2026-11-19T02:00:00Z"));
    expect((await schedules.get(schedule.id))?.lastFiredAt).toEqual(firedFor);
    expect((await runs.latestOfSchedules([schedule.id]))[0]?.id).toBe(answers[0]?.run.id);
  });

  it("leaves nothing behind when a part of it fails", async () => {
    const { runs, audit } = database.metadata;
    const before = await audit.verify();
    const id = newId("run");
    const broken = newRun({
      id,
      backup: { id: newId("backup"), serverId: newId("server"), repositoryId: seed.repositoryId },
      audit: { actor: "user:admin", action: "takeBackup", outcome: "ok" },
    });
    await expect(runs.create(broken)).rejects.toThrow();
    expect(await runs.get(id)).toBeNull();
    expect(await audit.verify()).toEqual(before);
  });
});

describe("cancel, heartbeat and the reconciler's questions", () => {
  it("ends a queued run at once, marks a running one for its worker, refuses a final one", async () => {
    const { runs } = database.metadata;
    const { run: queued } = await runs.create(newRun());
    expect(await runs.requestCancel(queued.id, "user:admin", "nothing was started")).toMatchObject({
      state: "cancelled",
      cancelRequestedBy: "user:admin",
    });
    await expect(runs.requestCancel(queued.id, "user:admin", "")).rejects.toMatchObject({ code: "run-already-final" });
    await expect(runs.requestCancel(newId("run"), "user:admin", "")).rejects.toMatchObject({ code: "not-found" });
    const running = await start();
    expect(await runs.heartbeat(workerA, [running.id])).toEqual([{ runId: running.id, cancelRequested: false }]);
    expect(await runs.requestCancel(running.id, "user:admin", "the backup is discarded")).toMatchObject({
      state: "running",
      cancelEffect: "the backup is discarded",
    });
    expect(await runs.heartbeat(workerA, [running.id])).toEqual([{ runId: running.id, cancelRequested: true }]);
    await runs.finish(running.id, { state: "cancelled" });
    expect(await runs.heartbeat(workerA, [running.id])).toEqual([]);
  });

  it("finds runs whose worker died and runs whose bell was lost, by the database's clock", async () => {
    const { runs } = database.metadata;
    const run = await start();
    const stale = async () => (await runs.findStale({ deadAfterMs: 30_000 })).map((one) => one.id);
    expect(await stale()).not.toContain(run.id);
    await database.server.query(`UPDATE run SET heartbeat_at = now() - interval '31 s' WHERE id = '${run.id}'`, [], {
      database: "tidemark",
    });
    expect(await stale()).toContain(run.id);
    const { run: queued } = await runs.create(newRun());
    const unrung = async (olderThanMs: number) => (await runs.findUnrung({ olderThanMs })).map((one) => one.id);
    expect(await unrung(0)).toContain(queued.id);
    expect(await unrung(60_000)).not.toContain(queued.id);
    await database.server.query(`UPDATE run SET created_at = now() - interval '2 min' WHERE id = '${queued.id}'`, [], {
      database: "tidemark",
    });
    expect(await unrung(60_000)).toContain(queued.id);
    await runs.markRung([queued.id]);
    expect(await unrung(60_000)).not.toContain(queued.id);
    await runs.claim(queued.id, workerA);
    expect(await unrung(0)).not.toContain(queued.id);
    for (const id of [run.id, queued.id])
      await runs.finish(id, {
        state: "interrupted",
        error: { code: "interrupted", message: "its worker died", hint: null },
      });
    expect((await runs.failuresInRow([seed.serverId], "verify")).get(seed.serverId)).toBeGreaterThan(0);
  });

  it("keeps progress of the worker that runs it only", async () => {
    const { runs } = database.metadata;
    const run = await start();
    expect(await runs.progress(run.id, workerB, { phase: "stolen" })).toBe(false);
    expect(
      await runs.progress(run.id, workerA, { phase: "files", done: 10n, total: 20n, etaLowMs: 1, etaHighMs: 9 }),
    ).toBe(true);
    expect((await runs.get(run.id))?.progress).toEqual({
      phase: "files",
      done: 10n,
      total: 20n,
      rateBytesPerSecond: null,
      etaLowMs: 1,
      etaHighMs: 9,
    });
  });
});

describe("list", () => {
  it("pages in both directions over the same order and counts all", async () => {
    const { runs } = database.metadata;
    const { serverId } = await database.seed("paged");
    const made: string[] = [];
    for (let index = 0; index < 7; index++) {
      made.push((await runs.create(newRun({ serverId, kind: index % 2 === 0 ? "verify" : "drill" }))).run.id);
      // Of two of the same millisecond either may be the newer one.
      const madeAt = Date.now();
      await waitFor(() => Date.now() > madeAt + 1, { what: "the next millisecond", everyMs: 1 });
    }
    const newestFirst = [...made].reverse();
    const forward = await runs.list({ serverId }, { first: 3 });
    expect(forward.rows.map((run) => run.id)).toEqual(newestFirst.slice(0, 3));
    expect(forward).toMatchObject({ totalCount: 7, hasNextPage: true, hasPreviousPage: false });
    const second = await runs.list({ serverId }, { first: 100, after: forward.cursors[2] });
    expect(second.rows.map((run) => run.id)).toEqual(newestFirst.slice(3));
    expect(second).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
    const back = await runs.list({ serverId }, { last: 2, before: second.cursors[0] });
    expect(back.rows.map((run) => run.id)).toEqual(newestFirst.slice(1, 3));
    expect(back).toMatchObject({ hasNextPage: true, hasPreviousPage: true });
    expect((await runs.list({ serverId, kinds: ["drill"], states: ["queued"] }, { last: 100 })).rows).toHaveLength(3);
    await expect(runs.list({}, { first: 101 })).rejects.toMatchObject({ code: "page-size-out-of-range" });
    await expect(runs.list({}, {})).rejects.toMatchObject({ code: "page-size-out-of-range" });
    await expect(runs.list({}, { first: 1, after: "nonsense!" })).rejects.toMatchObject({ code: "bad-request" });
  });
});
