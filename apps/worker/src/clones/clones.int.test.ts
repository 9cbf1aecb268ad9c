import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { locateClone } from "@tidemark/engine";
import { CloneActResult, CloneResult, ConnectionReportResult } from "@tidemark/jobs";
import { newId } from "@tidemark/kit";
import { newSealingKeys, openSealed } from "@tidemark/kit/sealed-text";
import { parseDsn, SqlSession } from "@tidemark/postgres";
import { type TestServer, testServer, waitFor } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TestWorkplace, testWorkplace } from "../test-worker.ts";

const extract = { kind: "extract", database: "postgres", schema: "public", table: "ledger", format: "csv" } as const;

describe("clones of a worker", () => {
  let place: TestWorkplace;
  let source: TestServer;
  let serverId: string;
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    place = await testWorkplace();
    source = await testServer();
    await source.query("CREATE TABLE ledger AS SELECT g AS id FROM generate_series(1, 7) g");
    const worker = await place.start();
    const repositoryId = await place.attachRepository();
    serverId = await addServer(repositoryId);
    const backupId = newId("backup");
    const { run } = await place.metadata.runs.create({
      kind: "backup",
      serverId,
      repositoryId,
      requestedBy: "user:test",
      backup: { id: backupId, serverId, repositoryId },
      request: { serverId, backupId, checkpoint: "fast", maxRateKib: null, label: null, drillAfter: false },
    });
    await place.queues.ring(run.id, run.kind);
    await place.endedAs(run.id, "succeeded");
    await worker.stop(5_000);
  });
  afterAll(async () => {
    for (const child of children) child.kill("SIGKILL");
    await place?.[Symbol.asyncDispose]();
    await source?.[Symbol.asyncDispose]();
  });

  it("is made, read, adopted after its worker was killed, and ends when its time is over", async () => {
    const first = spawnWorker();
    const cloneId = await newClone();
    const made = CloneResult.parse((await place.endedAs((await request(cloneId)).id, "succeeded")).result);
    const dsn = await connectionOf(cloneId);
    expect(await countRows(dsn)).toBe(7);
    const file = (await act(cloneId, extract)).extract;
    expect(file).toMatchObject({ rows: 7 });
    expect(await readFile(file?.path ?? "", "utf8")).toBe("id\n1\n2\n3\n4\n5\n6\n7\n");

    // The worker dies; its server lives on, and another worker lets people in again at the same place.
    first.kill("SIGKILL");
    await once(first, "exit");
    expect(await locateClone(made.path)()).not.toBeNull();
    await expect(countRows(dsn)).rejects.toThrow();
    const second = await place.start();
    await waitFor(async () => (await countRows(dsn)) === 7, { what: "the clone to take connections again" });
    expect(await place.metadata.clones.get(cloneId)).toMatchObject({ state: "running", workerId: second.workerId });

    // A worker that stops takes the server down with it; the next one starts it again, at the same port.
    await second.stop(5_000);
    expect(await locateClone(made.path)()).toBeNull();
    // While it does not start it is not given up: its row says why, and it is tried again.
    const needed = join(made.path, "data", "PG_VERSION");
    await rename(needed, `${needed}.away`);
    const third = await place.start();
    const troubled = await waitFor(
      async () => {
        const row = await place.metadata.clones.get(cloneId);
        return row?.error == null ? null : row;
      },
      { what: "its row to say that it does not start" },
    );
    expect(troubled.state).toBe("running");
    expect(troubled.error?.message).toMatch(/did not start \(try \d of \d\): .+; it is tried again in/);
    await rename(`${needed}.away`, needed);
    await waitFor(async () => (await countRows(dsn)) === 7, { what: "the clone to be started again" });
    expect(await place.metadata.clones.get(cloneId)).toMatchObject({ state: "running", error: null });

    await place.metadata.clones.extend(cloneId, 1);
    await waitFor(async () => (await place.metadata.clones.get(cloneId))?.state === "ended", { what: "its end" });
    expect(await locateClone(made.path)()).toBeNull();
    expect(await readdir(dirname(made.path))).toEqual([]);
    await expect(countRows(dsn)).rejects.toThrow();
    await third.stop(5_000);
  });

  it("leaves nothing when its worker is killed while it is made; an expired one ends though its worker is gone", async () => {
    const dying = spawnWorker("clone:before-running");
    const died = once(dying, "exit");
    const lost = await newClone();
    const run = await request(lost);
    await died;
    const path = (await place.metadata.clones.get(lost))?.path ?? "";
    expect(await locateClone(path)()).not.toBeNull();

    const worker = await place.start({ clonesMax: 1 });
    await place.endedAs(run.id, "interrupted");
    await waitFor(async () => (await place.metadata.clones.get(lost))?.state === "failed", { what: "its end" });
    expect(await locateClone(path)()).toBeNull();
    expect(await readdir(dirname(path))).toEqual([]);

    const only = await newClone();
    await place.endedAs((await request(only)).id, "succeeded");
    const further = await newClone();
    expect((await place.endedAs((await request(further)).id, "failed")).error?.code).toBe("clone-limit");
    await worker.stop(5_000);
    await place.metadata.clones.extend(only, 1);
    const next = await place.start();
    await waitFor(async () => (await place.metadata.clones.get(only))?.state === "ended", { what: "its end" });
    expect(await readdir(dirname(path))).toEqual([]);
    await next.stop(5_000);
  });

  it("is acted on by its own machine whoever hears of it, and its record goes when that machine is gone for ever", async () => {
    const holder = await place.start({ hostname: "machine-a" });
    const cloneId = await newClone();
    const made = CloneResult.parse((await place.endedAs((await request(cloneId)).id, "succeeded")).result);
    expect(made.hostname).toBe("machine-a");
    const other = await place.start({ hostname: "machine-b" });
    for (let round = 0; round < 4; round++) {
      const { clone, extract: file } = await act(cloneId, extract);
      expect([clone?.hostname, file?.rows]).toEqual(["machine-a", 7]);
    }
    // Of one that nobody rang for, or a stranger has heard, its machine takes notice by itself.
    const { run } = await place.metadata.runs.create({
      ...{ kind: "clone-act", requestedBy: "user:test", serverId },
      request: { serverId, cloneId, act: extract },
    });
    await place.metadata.runs.setWaiting(run.id, "heard elsewhere");
    await place.endedAs(run.id, "succeeded");

    await holder.stop(5_000);
    const refused = await place.request("clone-act", { serverId, cloneId, act: extract }, { serverId });
    expect((await place.endedAs(refused.id, "failed")).error).toMatchObject({
      code: "clone-elsewhere",
      message: expect.stringMatching(/lives on machine-a, where no worker keeps it/),
      hint: expect.stringContaining(`tidemark clone end ${cloneId}`),
    });
    expect(await place.metadata.clones.get(cloneId)).toMatchObject({ state: "running", endedAt: null });
    await act(cloneId, { kind: "end" });
    expect(await place.metadata.clones.get(cloneId)).toMatchObject({ state: "ended" });
    // Should it come back after all, nothing stays there.
    const again = await place.start({ hostname: "machine-a" });
    await waitFor(async () => (await readdir(dirname(made.path))).length === 0, { what: "its files to go" });
    await again.stop(5_000);
    await other.stop(5_000);
  }, 240_000);

  async function newClone(): Promise<string> {
    const clone = { serverId, backupId: null, target: null, createdBy: "user:test", livesForMs: 3_600_000 };
    return (await place.metadata.clones.create(clone)).id;
  }

  function request(cloneId: string) {
    return place.request("clone", { serverId, cloneId, backupId: null, action: "promote" }, { serverId });
  }

  async function act(cloneId: string, what: Parameters<typeof place.request<"clone-act">>[1]["act"]) {
    const run = await place.request("clone-act", { serverId, cloneId, act: what }, { serverId });
    return CloneActResult.parse((await place.endedAs(run.id, "succeeded")).result);
  }

  async function connectionOf(cloneId: string): Promise<string> {
    const keys = await newSealingKeys();
    const { sealedConnection } = await act(cloneId, { kind: "connection", recipient: keys.publicKey });
    return (await openSealed(keys.privateKey, sealedConnection ?? "")).reveal();
  }

  async function countRows(dsn: string): Promise<unknown> {
    const session = await SqlSession.connect(parseDsn(dsn), { signal: AbortSignal.timeout(10_000) });
    try {
      return (await session.query<{ count: number }>("SELECT count(*)::int AS count FROM public.ledger"))[0]?.count;
    } finally {
      await session.close();
    }
  }

  function spawnWorker(killAt?: string): ChildProcess {
    const kill = { TIDEMARK_TEST_HOOKS: "1", TIDEMARK_KILL_AT: killAt, TIDEMARK_KILL_MARK: place.home.join("mark") };
    const child = spawn(process.execPath, [fileURLToPath(new URL("../main.ts", import.meta.url))], {
      env: {
        PATH: process.env.PATH,
        DATABASE_URL: place.settings.databaseUrl.reveal(),
        TIDEMARK_HOME: place.home.path,
        FRAME_THREADS: "1",
        ...(killAt === undefined ? {} : kill),
      },
      stdio: ["ignore", "ignore", process.env.TEST_LOG === undefined ? "ignore" : "inherit"],
    });
    children.push(child);
    return child;
  }

  async function addServer(repositoryId: string): Promise<string> {
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
