import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { ConnectionReportResult } from "@tidemark/jobs";
import { newId } from "@tidemark/kit";
import { emptyQueue, type TestServer, testServer, waitFor } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StartedWorker } from "./start-worker.ts";
import { notSoon, type TestWorkplace, testWorkplace } from "./test-worker.ts";

describe("after a worker was killed", () => {
  let place: TestWorkplace;
  let source: TestServer;
  let repositoryId: string;
  let serverId: string;

  beforeAll(async () => {
    place = await testWorkplace();
    source = await testServer();
    const worker = await place.start();
    repositoryId = await place.attachRepository();
    serverId = await addServer();
    await worker.stop(5_000);
  });

  afterAll(async () => {
    await place[Symbol.asyncDispose]();
    await source[Symbol.asyncDispose]();
  });

  it("before the manifest: the run ends as interrupted, nothing is listed, the next backup succeeds", async () => {
    const { runId, backupId } = await backupKilledAt("backup:before-commit");
    await withWorker(async () => {
      const run = await place.endedAs(runId, "interrupted");
      expect(run.error?.code).toBe("interrupted");
      expect((await place.metadata.backups.get(backupId))?.state).toBe("interrupted");
      expect(await place.metadata.leases.holder(`server:${serverId}:write`)).toBeNull();
      await place.endedAs((await requestBackup()).runId, "succeeded");
    });
  });

  it("right after the manifest: the backup exists, so its run succeeded", async () => {
    const { runId, backupId } = await backupKilledAt("backup:after-commit", { drillAfter: true });
    await withWorker(async () => {
      await place.endedAs(runId, "succeeded");
      // What was to follow it follows.
      const drills = await place.metadata.runs.list({ backupId, kinds: ["drill"] }, { first: 10 });
      expect(drills.rows).toHaveLength(1);
      await place.endedAs(drills.rows[0]?.id ?? "", "succeeded");
      expect((await place.metadata.backups.get(backupId))?.state).toBe("restorable");
      const verify = await place.request(
        "verify",
        { serverId, backupId, tier: "whole", subset: null, repositoryId: null },
        { serverId, backupId },
      );
      await place.endedAs(verify.id, "succeeded");
    });
  });

  it("during a drill: its server is stopped and its data are removed", async () => {
    const child = spawnWorker("drill:before-checks");
    const run = await place.request("drill", { serverId, backupId: null }, { serverId });
    await killed(child);
    await withWorker(async () => {
      await place.endedAs(run.id, "interrupted");
      await place.endedAs((await place.request("drill", { serverId, backupId: null }, { serverId })).id, "succeeded");
    });
  });

  it("while the queue's tables are emptied in the middle of a backup, nothing is lost", async () => {
    await withWorker(async () => {
      const first = await requestBackup({ maxRateKib: 8192 });
      await waitFor(async () => (await place.metadata.runs.get(first.runId))?.state === "running", { what: "the run" });
      const second = await requestBackup();
      await emptyQueue(place.metadataServer, "tidemark");
      await place.endedAs(first.runId, "succeeded");
      await place.endedAs(second.runId, "succeeded");
    });
  });

  it("runs a schedule that was missed once, late, and says so", async () => {
    const schedule = await place.metadata.schedules.set({ serverId, kind: "backup", cron: notSoon(), zone: "UTC" });
    await place.metadataServer.query(
      "UPDATE schedule SET created_at = now() - interval '5 days', updated_at = now() - interval '5 days' WHERE id = $1",
      [schedule.id],
      { database: "tidemark" },
    );
    await withWorker(async () => {
      const run = await waitFor(async () => (await place.metadata.runs.latestOfSchedules([schedule.id]))[0], {
        what: "the late run",
      });
      await place.metadata.schedules.remove(schedule.id);
      await place.endedAs(run.id, "succeeded");
      const events = await place.metadata.runs.eventsAfter(run.id, 0, 100);
      expect(events.map((event) => event.message).join("\n")).toMatch(/this run is late: \d+ runs were missed/);
    });
  });

  async function withWorker(act: (worker: StartedWorker) => Promise<void>): Promise<void> {
    const worker = await place.start();
    try {
      await act(worker);
    } finally {
      await worker.stop(5_000);
    }
  }

  async function backupKilledAt(step: string, how: BackupWishes = {}): Promise<{ runId: string; backupId: string }> {
    const child = spawnWorker(step);
    const requested = await requestBackup(how);
    await killed(child);
    expect((await place.metadata.runs.get(requested.runId))?.state).toBe("running");
    return requested;
  }

  function spawnWorker(step: string): ChildProcess {
    return spawn(process.execPath, [fileURLToPath(new URL("./main.ts", import.meta.url))], {
      env: {
        PATH: process.env.PATH,
        DATABASE_URL: place.settings.databaseUrl.reveal(),
        TIDEMARK_HOME: place.home.path,
        FRAME_THREADS: "1",
        TIDEMARK_TEST_HOOKS: "1",
        TIDEMARK_KILL_AT: step,
        TIDEMARK_KILL_MARK: place.home.join("mark"),
      },
      stdio: ["ignore", "ignore", process.env.TEST_LOG === undefined ? "ignore" : "inherit"],
    });
  }

  async function killed(child: ChildProcess): Promise<void> {
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    expect(child.signalCode).toBe("SIGKILL");
    const marks = await readFile(place.home.join("mark"), "utf8");
    expect(marks).toContain(` ${child.pid}\n`);
  }

  async function requestBackup({ maxRateKib = null, drillAfter = false }: BackupWishes = {}) {
    const backupId = newId("backup");
    const { run } = await place.metadata.runs.create({
      kind: "backup",
      serverId,
      repositoryId,
      requestedBy: "user:test",
      backup: { id: backupId, serverId, repositoryId },
      request: { serverId, backupId, checkpoint: "fast", maxRateKib, label: null, drillAfter },
    });
    await place.queues.ring(run.id, run.kind);
    return { runId: run.id, backupId };
  }

  interface BackupWishes {
    readonly maxRateKib?: number | null;
    readonly drillAfter?: boolean;
  }

  async function addServer(): Promise<string> {
    const run = await place.request("connection-test", {
      serverId: null,
      sealedDsn: await place.seal(source.dsn()),
      intent: {
        kind: "add-server",
        name: "main",
        repositoryId,
        policyId: null,
        retention: null,
        schedules: [],
        sameSystemAs: null,
        firstBackup: false,
        isDemo: false,
      },
    });
    return ConnectionReportResult.parse((await place.endedAs(run.id, "succeeded")).result).serverId ?? "";
  }
});
