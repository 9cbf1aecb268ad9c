import { readFile } from "node:fs/promises";
import {
  ConnectionReportResult,
  InspectResult,
  type RunRequest,
  ServerCheckResult,
  ServerSnapshotDocument,
} from "@tidemark/jobs";
import { newId, systemClock } from "@tidemark/kit";
import { createLogger } from "@tidemark/kit/logger";
import type { FindingRow } from "@tidemark/metadata";
import { missedTimes } from "@tidemark/policy";
import { faultProxy, type TestServer, testServer, waitFor } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { refreshServerFindings } from "../refresh-findings.ts";
import { runMissed, tickSchedule } from "../scheduler.ts";
import type { StartedWorker } from "../start-worker.ts";
import { everyRow, notSoon, type TestWorkplace, testWorkplace } from "../test-worker.ts";
import { loadWorkerKey } from "../worker-key.ts";
import { startInspectionPoller } from "./inspection-poller.ts";
import { isOwnSlot } from "./own-slots.ts";

const password = "a-secret-nobody-may-find";

describe("inspections", () => {
  let place: TestWorkplace;
  let source: TestServer;
  let worker: StartedWorker;
  let repositoryId: string;
  let serverId: string;

  beforeAll(async () => {
    place = await testWorkplace();
    source = await testServer({ settings: { full_page_writes: false, log_statement: "all" }, password });
    await source.query("SELECT pg_create_physical_replication_slot('theirs', true)");
    worker = await place.start({ inspectEveryMs: 0 });
    repositoryId = await place.attachRepository();
  });

  afterAll(async () => {
    await place[Symbol.asyncDispose]();
    await source[Symbol.asyncDispose]();
  });

  it("come with the test of a connection, and are kept with the server that is added by it", async () => {
    const run = await place.request("connection-test", await addRequest());
    const report = ConnectionReportResult.parse((await place.endedAs(run.id, "succeeded")).result);
    serverId = report.serverId ?? "";
    expect(stateOf(report.checks, "connection")).toBe("ok");
    expect(stateOf(report.checks, "full-page-writes")).toBe("found");
    expect(report.privileges).toMatchObject({ role: source.superuser, isSuperuser: true });
    const { document, checks } = await snapshot();
    expect(document.info).toMatchObject({ major: 18, inRecovery: false, valid: true, usedReplicationSlots: 1 });
    expect(document.slots).toMatchObject([{ name: "theirs", kind: "physical", own: false, active: false }]);
    expect(document.privileges).toEqual(report.privileges);
    expect(document.wal?.fileName).toMatch(/^[0-9A-F]{24}$/);
    expect(document.recovery).toBeNull();
    expect(document.archiver).toMatchObject({ mode: "off", isArchiving: false });
    expect(document.synchronousStandbys).toMatchObject({ method: "none" });
    expect(document.configurationFiles?.map((file) => file.purpose)).toContain("hba");
    expect(checks).toEqual(report.checks);
    expect(await finding("full-page-writes")).toMatchObject({ recheckable: true, remedy: expect.anything() });
  });

  it("find the same when a person asks, and say what blocks", async () => {
    const before = await finding("full-page-writes");
    const run = await place.request("inspect", { serverId, checkIds: null }, { serverId });
    const result = InspectResult.parse((await place.endedAs(run.id, "succeeded")).result);
    expect(result).toMatchObject({ blocksBackup: false });
    expect((await snapshot()).observedAt.toISOString()).toBe(result.observedAt);
    const after = await finding("full-page-writes");
    expect(after).toMatchObject({ id: before?.id, firstSeenAt: before?.firstSeenAt });
    expect(after?.lastSeenAt.getTime()).toBeGreaterThan(before?.lastSeenAt.getTime() ?? 0);
  });

  it("ask one check alone: its finding goes when its remedy was run, the rest stays as it was seen", async () => {
    const before = await snapshot();
    const remedy = (await finding("full-page-writes"))?.remedy;
    for (const statement of (remedy?.sql ?? "").split(";").filter((part) => part.trim() !== "")) {
      await source.query(statement);
    }
    const applied = async () => (await source.query("SHOW full_page_writes"))[0]?.full_page_writes === "on";
    await waitFor(applied, { what: "the reload" });
    await source.query("SELECT pg_create_physical_replication_slot('later')");
    const result = await inspect(["full-page-writes"]);
    expect(result.checks).toMatchObject([{ id: "full-page-writes", state: "ok" }]);
    expect(await finding("full-page-writes")).toBeNull();
    const after = await snapshot();
    expect(after.observedAt).toEqual(before.observedAt);
    expect(after.document.slots).toHaveLength(1);
    expect(stateOf(after.checks, "full-page-writes")).toBe("ok");
    expect(after.checks.length).toBe(before.checks.length);
    await source.query("SELECT pg_drop_replication_slot('later')");
  });

  it("leave what could not be asked alone", async () => {
    await place.metadata.findings.record(
      { kind: "server", serverId },
      [],
      [{ checkId: "full-page-writes", severity: "risk", title: "old", found: "f", why: "w" }],
    );
    await inspect(["fsync"]);
    expect(await finding("full-page-writes")).toMatchObject({ title: "old" });
    await inspect(["full-page-writes"]);
    expect(await finding("full-page-writes")).toBeNull();
  });

  it("fail with the real reason and its remedy when the server is away, and mend that when it is back", async () => {
    await source.stop();
    const run = await place.request("inspect", { serverId, checkIds: null }, { serverId });
    const failed = await place.endedAs(run.id, "failed");
    expect(failed.error?.code).toBe("connection-refused");
    const result = InspectResult.parse(failed.result);
    expect(result).toMatchObject({ blocksBackup: true, checks: [{ id: "connection", state: "found" }] });
    expect(await finding("connection")).toMatchObject({ severity: "blocks-backup", found: failed.error?.message });
    expect(stateOf((await snapshot()).checks, "connection")).toBe("found");
    await source.start();
    expect(await inspect(["connection"])).toMatchObject({ blocksBackup: false, checks: [{ state: "ok" }] });
    expect(await finding("connection")).toBeNull();
  });

  it("go on in the background, and notice a server that stops and one that is back", async () => {
    await worker.stop(1_000);
    const seen = (await snapshot()).observedAt;
    const logged = (await readFile(source.cluster.logPath, "utf8")).length;
    worker = await place.start({ inspectEveryMs: 200 });
    await waitFor(async () => (await snapshot()).observedAt > seen, { what: "a poll" });
    const asked = (await readFile(source.cluster.logPath, "utf8")).slice(logged);
    expect(asked).toContain("pg_replication_slots");
    // They look at every file of a database or a relation, however large the server is.
    expect(asked).not.toMatch(/pg_(database|tablespace|relation|total_relation|table|indexes)_size\b/);
    const runs = (await place.metadata.runs.list({ serverId }, { first: 1 })).totalCount;
    // Another worker takes over when this one goes.
    const other = await place.start({ inspectEveryMs: 200 });
    await worker.stop(1_000);
    worker = other;
    const left = (await snapshot()).observedAt;
    await waitFor(async () => (await snapshot()).observedAt > left, { what: "a poll by the other worker" });
    await source.stop();
    const found = await waitFor(() => finding("connection"), { what: "the finding of a server that stopped" });
    expect(found).toMatchObject({ severity: "blocks-backup", title: "main cannot be reached", recheckable: true });
    await source.start();
    await waitFor(async () => (await finding("connection")) === null, { what: "the end of the finding" });
    expect((await place.metadata.runs.list({ serverId }, { first: 1 })).totalCount).toBe(runs);
  });

  it("stop while it is offline, as everything that would begin there, and come at once when it is online again", async () => {
    const { offline, schedules } = place.metadata;
    await worker.stop(1_000);
    const period = await offline.setOffline({ serverId, by: "user:test", reason: "the disk is changed" });
    // An hour is as long as it can be without waiting for a poll of its own.
    worker = await place.start({ inspectEveryMs: 3_600_000 });
    for (const [kind, request] of [
      ["inspect", { serverId, checkIds: null }],
      ["server-act", { serverId, act: { kind: "checkpoint" } }],
    ] as const) {
      const run = await place.endedAs((await place.request(kind, request as never, { serverId })).id, "failed");
      expect(run.error).toMatchObject({
        code: "server-offline",
        message: expect.stringContaining("the disk is changed"),
      });
    }
    const test = { serverId, sealedDsn: null, intent: { kind: "test" as const } };
    await place.endedAs((await place.request("connection-test", test, { serverId })).id, "succeeded");

    const seen = (await snapshot()).observedAt;
    const silent = (await schedules.ofServers([serverId])).map(({ kind, cron, zone }) => ({
      kind,
      cron,
      timeZone: zone,
      since: new Date(0),
    }));
    const missed = missedTimes(silent, new Date(period.since.getTime() - 86_400_000), new Date());
    const ended = await offline.setOnline({ serverId, by: "user:test", missed });
    expect(ended).toMatchObject({ missedCount: 1, missed: [{ kind: "backup" }] });
    await waitFor(async () => (await snapshot()).observedAt > seen, { what: "the inspection after it" });
  });

  it("refuse a backup of an offline server, and count that as no failed backup", async () => {
    const { offline, runs, findings } = place.metadata;
    await offline.setOffline({ serverId, by: "user:test", reason: "again" });
    const id = newId("backup");
    const request = { serverId, backupId: id, checkpoint: "fast", maxRateKib: null, label: null, drillAfter: false };
    const backup = { id, serverId, repositoryId };
    const { run } = await runs.create({ kind: "backup", serverId, repositoryId, requestedBy: "u", backup, request });
    await place.queues.ring(run.id, run.kind);
    expect((await place.endedAs(run.id, "failed")).error?.code).toBe("server-offline");
    expect((await place.metadata.backups.get(id))?.state).toBe("failed");
    expect((await runs.failuresInRow([serverId], "backup")).size).toBe(0);
    expect((await findings.open([serverId])).map((one) => one.checkId)).not.toContain("backup-failed");
    await offline.setOnline({ serverId, by: "user:test", missed: { times: [], count: 0 } });
  });

  it("make no schedule late or missed for times in which its server was offline", async () => {
    const { offline, schedules, runs } = place.metadata;
    await worker.stop(1_000);
    const deps = { ...place, logger: createLogger({ name: "test", level: "silent" }), clock: systemClock };
    const sql = (text: string) => place.metadataServer.query(text, [], { database: "tidemark" });
    const [schedule] = await schedules.ofServers([serverId]);
    const count = async () => (await runs.list({ serverId }, { first: 1 })).totalCount;
    const missedFindings = async () => {
      await refreshServerFindings(deps, [serverId]);
      return (await finding("schedule-missed")) !== null;
    };
    await offline.setOffline({ serverId, by: "user:test", reason: "three days" });
    await sql("UPDATE offline_period SET since = now() - interval '3 days' WHERE ended_at IS NULL");
    await sql("UPDATE schedule SET last_fired_at = now() - interval '3 days', created_at = now() - interval '9 days'");
    const before = await count();
    await tickSchedule(deps, schedule?.id ?? "", new Date());
    expect([await runMissed(deps), await count(), await missedFindings()]).toEqual([0, before, false]);
    await offline.setOnline({ serverId, by: "user:test", missed: { times: [], count: 0 } });
    expect([await runMissed(deps), await count(), await missedFindings()]).toEqual([0, before, false]);
    // A bell that rings late, for a time that is listed as missed.
    await tickSchedule(deps, schedule?.id ?? "", new Date(Date.now() - 60_000));
    expect(await count()).toBe(before);
    // The same silence without a reason is noticed.
    await sql("DELETE FROM offline_period");
    expect(await missedFindings()).toBe(true);
    // One whose zone is not known keeps nobody else from being caught up with.
    await schedules.set({ serverId, kind: "verify", cron: notSoon(), zone: "UTC" });
    await sql(
      "UPDATE schedule SET zone = 'Mars/Olympus', created_at = now() - interval '9 days' WHERE kind = 'verify'",
    );
    expect([await runMissed(deps), await count()]).toEqual([1, before + 1]);
    await sql("DELETE FROM schedule WHERE kind = 'verify'");
  });

  it("give up on a server that falls silent in the middle, and leave no session at it", async () => {
    await worker.stop(1_000);
    await using proxy = await faultProxy({ host: "127.0.0.1", port: source.port }, { stallAfterBytes: 4_000 });
    const { metadata } = place;
    const server = await metadata.servers.register({
      name: "silent",
      sealedDsn: await place.seal(source.dsn().replace(`:${source.port}`, `:${proxy.port}`)),
      connection: "postgresql://u@h/d",
      repositoryId,
      policy: { create: { name: "silent", keepLast: 1, windowDays: null, minimum: 1 } },
    });
    const poller = await startPoller(200, { limitMs: 2_000 });
    const open = async () =>
      (await metadata.findings.open([server.id])).find((one) => one.checkId === "connection") ?? null;
    const found = await waitFor(open, { what: "the finding of a silent server" });
    expect(found.found).toContain("within 2 s");
    proxy.setFaults({});
    await waitFor(async () => (await open()) === null, { what: "the end of the finding" });
    await poller.stop();
    const sessions = () => source.query("SELECT 1 FROM pg_stat_activity WHERE application_name = 'tidemark'");
    await waitFor(async () => (await sessions()).length === 0, { what: "the sessions to go" });
  });

  it("come back soon to a server whose WAL does not come to us, until it is not meant to", async () => {
    await worker.stop(1_000);
    const { servers, findings } = place.metadata;
    await source.query("SELECT pg_create_physical_replication_slot('tidemark_waits', true)");
    const server = await servers.register({
      name: "streamed",
      sealedDsn: await place.seal(source.dsn()),
      connection: "postgresql://u@h/d",
      repositoryId,
      walMode: "stream",
      walSlot: "tidemark_waits",
      policy: { create: { name: "streamed", keepLast: 1, windowDays: null, minimum: 1 } },
    });
    const seenAt = async () => (await servers.snapshots([server.id]))[0]?.observedAt;
    const poller = await startPoller(3_600_000, { troubleEveryMs: 200 });
    const first = await waitFor(seenAt, { what: "the first look" });
    const open = async () => (await findings.open([server.id])).map(({ checkId }) => checkId);
    expect(await open()).toContain("own-slot-active");
    await waitFor(async () => ((await seenAt()) ?? first) > first, { what: "the second look" });
    // Where nobody is to stream any more, nothing is wrong with the slot.
    await servers.update(server.id, { walMode: "none" });
    await waitFor(async () => !(await open()).includes("own-slot-active"), { what: "the end of the finding" });
    await poller.stop();
    await servers.remove(server.id);
    await source.query("SELECT pg_drop_replication_slot('tidemark_waits')");
  });

  it("come soon to a server whose WAL is to come another way, and to one that was looked at to be added", async () => {
    const { servers, findings } = place.metadata;
    const server = await servers.register({
      name: "changed",
      sealedDsn: await place.seal(source.dsn()),
      connection: "postgresql://u@h/d",
      repositoryId,
      policy: { create: { name: "changed", keepLast: 1, windowDays: null, minimum: 1 } },
    });
    const seenAt = async () => (await servers.snapshots([server.id]))[0]?.observedAt;
    const open = async () => (await findings.open([server.id])).map(({ checkId }) => checkId);
    // But for these looks an hour would pass.
    const how = { troubleEveryMs: 3_600_000, settleMs: 200 };
    const poller = await startPoller(3_600_000, how);
    await waitFor(seenAt, { what: "the first look" });
    expect(await open()).not.toContain("own-slot-exists");
    await servers.update(server.id, { walMode: "stream" });
    await waitFor(async () => (await open()).includes("own-slot-exists"), {
      what: "a look that knows of the receiver",
    });
    await poller.stop();

    const before = (await seenAt()) ?? new Date(0);
    await place.metadataServer.query("UPDATE server SET created_at = now() WHERE id = $1", [server.id], {
      database: "tidemark",
    });
    const another = await startPoller(3_600_000, how);
    await waitFor(async () => ((await seenAt()) ?? before) > before, { what: "the look after it was added" });
    await another.stop();
    await servers.remove(server.id);
  });

  it("leave no secret in any row", async () => {
    const text = await everyRow(place);
    expect(text).toContain("full-page-writes");
    expect(text).not.toContain(password);
  });

  async function inspect(checkIds: readonly string[]): Promise<InspectResult> {
    const run = await place.request("inspect", { serverId, checkIds: [...checkIds] }, { serverId });
    return InspectResult.parse((await place.endedAs(run.id, "succeeded")).result);
  }

  async function snapshot() {
    const [row] = await place.metadata.servers.snapshots([serverId]);
    if (row === undefined) throw new Error("the server was never inspected");
    return {
      observedAt: row.observedAt,
      document: ServerSnapshotDocument.parse(row.document),
      checks: z.array(ServerCheckResult).parse(row.checks),
    };
  }

  async function finding(checkId: string): Promise<FindingRow | null> {
    const open = await place.metadata.findings.open([serverId]);
    return open.find((one) => one.checkId === checkId) ?? null;
  }

  async function addRequest(): Promise<RunRequest<"connection-test">> {
    return {
      serverId: null,
      sealedDsn: await place.seal(source.dsn()),
      intent: {
        kind: "add-server",
        name: "main",
        repositoryId,
        policyId: null,
        retention: null,
        schedules: [{ kind: "backup", cron: notSoon(), zone: "UTC" }],
        sameSystemAs: null,
        firstBackup: false,
        isDemo: false,
      },
    };
  }

  async function startPoller(
    inspectEveryMs: number,
    how: { limitMs?: number; troubleEveryMs?: number; settleMs?: number },
  ) {
    const key = await loadWorkerKey(place.settings, place.metadata);
    const logger = createLogger({ name: "test", level: "silent" });
    const settings = { ...place.settings, inspectEveryMs };
    const onStep = async () => undefined;
    const more = { key, settings, logger, workerId: newId("worker"), clock: systemClock, onStep };
    return startInspectionPoller({ ...place, ...more }, how);
  }
});

it("knows its own slots by name", () => {
  expect(["tidemark", "tidemark_bak_01"].every(isOwnSlot)).toBe(true);
  expect(["theirs", "tidemarks", "my_tidemark_"].some(isOwnSlot)).toBe(false);
});

function stateOf(checks: readonly ServerCheckResult[], id: string): string | undefined {
  return checks.find((check) => check.id === id)?.state;
}
