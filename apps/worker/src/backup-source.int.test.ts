import { ConnectionReportResult, type RunRequest } from "@tidemark/jobs";
import { newId } from "@tidemark/kit";
import type { BackupRow, Run } from "@tidemark/metadata";
import { standbyOf, type TestServer, testServer, waitFor } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withArea } from "./open-repository.ts";
import { type TestWorkplace, testWorkplace } from "./test-worker.ts";
import type { WorkerDeps } from "./worker-deps.ts";
import { loadWorkerKey } from "./worker-key.ts";

describe("a backup's source", () => {
  let place: TestWorkplace;
  let primary: TestServer;
  let standby: TestServer;
  let repositoryId: string;
  let serverId: string;

  beforeAll(async () => {
    place = await testWorkplace();
    primary = await testServer();
    await primary.query("CREATE TABLE numbers AS SELECT n FROM generate_series(1, 1000) AS n");
    standby = await standbyOf(primary);
    await place.start({ inspectEveryMs: 0 });
    repositoryId = await place.attachRepository();
    const run = await place.request("connection-test", await addRequest("main", primary.dsn(), null));
    serverId = (await place.endedAs(run.id, "succeeded")).serverId ?? "";
    const member = await place.request("connection-test", await addRequest("replica", standby.dsn(), "member"));
    const report = ConnectionReportResult.parse((await place.endedAs(member.id, "succeeded")).result);
    expect(report.checks.find((check) => check.id === "recovery-paused")?.state).toBe("ok");
  });

  afterAll(async () => {
    await place[Symbol.asyncDispose]();
    await standby[Symbol.asyncDispose]();
    await primary[Symbol.asyncDispose]();
  });

  it("is the server itself, streamed, with its configuration and environment beside it", async () => {
    const { row } = await take({});
    expect(row).toMatchObject({ state: "restorable", fromStandby: false, notes: [] });
    const facts = await factsOf(row.id);
    expect(facts.method).toBe("stream");
    const hba = facts.configuration?.files.find((file) => file.purpose === "hba");
    expect(hba?.content).toContain("host");
    expect(facts.environment?.collations.length).toBeGreaterThan(0);
  });

  it("is read file by file, over SQL or from the same disk, when asked so", async () => {
    for (const method of ["read-files", "local-files"] as const) {
      const { row } = await take({ method, readers: 2 });
      expect(row).toMatchObject({ state: "restorable", fromStandby: false });
      expect(row.notes[0]).toContain("one by one");
      expect((await factsOf(row.id)).method).toBe(method);
    }
  });

  it("is the member that was named, while the server itself is its primary", async () => {
    const writing = keepWriting();
    try {
      for (const method of ["stream", "read-files"] as const) {
        const { row } = await take({ memberName: "replica", method });
        expect(row).toMatchObject({ state: "restorable", fromStandby: true });
      }
    } finally {
      await writing.stop();
    }
    // What the server's row says is of the server.
    expect(await place.metadata.servers.get(serverId)).toMatchObject({ name: "main", inRecovery: false });
  }, 180_000);

  it("is refused when no member has that name", async () => {
    const { run } = await begin({ memberName: "nobody" });
    const failed = await place.endedAs(run.id, "failed");
    expect(failed.error).toMatchObject({ code: "not-found", hint: "its members are replica" });
  });

  async function take(change: Partial<RunRequest<"backup">>): Promise<{ run: Run; row: BackupRow }> {
    const { run, backupId } = await begin(change);
    const ended = await place.endedAs(run.id, "succeeded");
    const row = await place.metadata.backups.get(backupId);
    if (row === null) throw new Error("the backup has no row");
    return { run: ended, row };
  }

  async function begin(change: Partial<RunRequest<"backup">>): Promise<{ run: Run; backupId: string }> {
    const id = newId("backup");
    const plain = { checkpoint: "fast", maxRateKib: null, label: null, drillAfter: false };
    const { run } = await place.metadata.runs.create({
      kind: "backup",
      serverId,
      repositoryId,
      requestedBy: "user:test",
      backup: { id, serverId, repositoryId },
      request: { serverId, backupId: id, ...plain, ...change },
    });
    await place.queues.ring(run.id, run.kind);
    return { run, backupId: id };
  }

  async function factsOf(backupId: string) {
    const server = await place.metadata.servers.get(serverId);
    if (server === null) throw new Error("the server has no row");
    const key = await loadWorkerKey(place.settings, place.metadata);
    const deps = { ...place, key } as unknown as WorkerDeps;
    return await withArea(deps, server, async (area) => (await area.openManifest(backupId)).backup.facts);
  }

  /** A standby that hears nothing from its primary has no new restart point to begin from. */
  function keepWriting() {
    let stopped = false;
    const written = waitFor(
      async () => {
        if (stopped) return true;
        await primary.query("INSERT INTO numbers VALUES (0)");
        return false;
      },
      { what: "the end of the writing", timeoutMs: 170_000, everyMs: 100 },
    );
    return {
      stop: async () => {
        stopped = true;
        await written;
      },
    };
  }

  async function addRequest(
    name: string,
    dsn: string,
    sameSystemAs: "member" | null,
  ): Promise<RunRequest<"connection-test">> {
    const intent = { kind: "add-server" as const, name, repositoryId, policyId: null, retention: null, schedules: [] };
    return {
      serverId: null,
      sealedDsn: await place.seal(dsn),
      intent: { ...intent, sameSystemAs, firstBackup: false, isDemo: false },
    };
  }
});
