import { ConnectionReportResult, FindMomentResult, type RunRequestInput } from "@tidemark/jobs";
import { newId } from "@tidemark/kit";
import { type TestServer, testServer, waitFor } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TestWorkplace, testWorkplace } from "./test-worker.ts";

describe("finding the moment in what a worker streamed", () => {
  let place: TestWorkplace;
  let source: TestServer;
  let shop: Awaited<ReturnType<TestServer["client"]>>;
  let serverId: string;
  let repositoryId: string;
  let lateBackupId: string;
  /** When the first, and the last but one, of the accidents were over. */
  let beganAt: Date;
  let middleAt: Date;
  const xids = new Map<string, number>();

  beforeAll(async () => {
    place = await testWorkplace();
    source = await testServer({ walSegmentSizeMb: 1 });
    await source.query("CREATE DATABASE shop");
    shop = await source.client({ database: "shop" });
    await shop.query("CREATE TABLE orders AS SELECT g AS id, repeat('x', 50) AS body FROM generate_series(1, 3000) g");
    const worker = await place.start();
    repositoryId = await place.attachRepository();
    serverId = await addServer();
    await backup();
    beganAt = await now();
    await accident("a few", "DELETE FROM orders WHERE id <= 200");
    await accident("many", "DELETE FROM orders WHERE id > 2000");
    await accident("young", "CREATE TABLE young (id int); INSERT INTO young VALUES (1)");
    middleAt = await now();
    lateBackupId = await backup();
    await shop.query("SELECT pg_switch_wal()");
    await accident("dropped", "DROP TABLE young");
    await received();
    // Behind it nothing is written, so that what was received stays what there is.
    await worker.stop(5_000);
    await place.start({ walReceivers: 0 });
  });

  afterAll(async () => {
    await shop?.end();
    await place?.[Symbol.asyncDispose]();
    await source?.[Symbol.asyncDispose]();
  });

  it("names the transaction, the table as it was called and the rows, up to the segment in the making", async () => {
    const result = await find({});
    expect(told(result)).toEqual(["many | deleted public.orders 1000", "dropped | dropped public.young 0"]);
    for (const { restorable, timeline, commitLsn } of result.moments) {
      expect({ restorable, timeline }).toEqual({ restorable: true, timeline: 1 });
      expect(commitLsn).toMatch(/^0\/[0-9A-F]+$/);
    }
    expect(result).toMatchObject({ earlierCluster: false });
    expect(result.limits).toEqual([expect.stringContaining("the last commit in the WAL that is here is of")]);
    const events = await place.metadata.runs.eventsAfter(result.runId, 0, 100);
    expect(events.map(({ phase }) => phase)).toContain("searching");
    expect(events.at(-1)?.message).toMatch(/^found 2 moments among \d+ transactions/);
  });

  it("reads from the newest backup that ends before the time, and counts fewer rows as many when asked", async () => {
    const late = await find({ from: middleAt.toISOString() });
    expect(told(late)).toEqual(["dropped | dropped public.young 0"]);
    const few = await find({
      leastRows: 200,
      to: middleAt.toISOString(),
      relation: { schema: "public", name: "orders" },
    });
    expect(told(few)).toEqual(["a few | deleted public.orders 200", "many | deleted public.orders 1000"]);
    expect(few.limits).toEqual([]);
    const one = await find({ leastRows: 200, mostMoments: 1 });
    expect(told(one)).toEqual(["a few | deleted public.orders 200"]);
    expect(one.limits).toEqual([expect.stringContaining("only 1")]);
  });

  it("says plainly what cannot be searched", async () => {
    const failed = async (request: Partial<Request>) => (await place.endedAs(await ask(request), "failed")).error;
    expect(await failed({ database: "nowhere" })).toMatchObject({
      code: "not-found",
      message: /no database "nowhere"/,
    });
    expect(await failed({ relation: { schema: "public", name: "Orders" } })).toMatchObject({ code: "not-found" });
    const old = { from: "2020-01-01T00:00:00.000Z", to: "2020-01-02T00:00:00.000Z" };
    expect(await failed(old)).toMatchObject({ code: "target-unreachable", hint: /begins at/ });
    expect(await failed({ timeline: 7 })).toMatchObject({ code: "target-unreachable" });
    const early = await find({ from: old.from });
    expect(early.limits).toContainEqual(expect.stringMatching(/^what was committed before .* cannot be found/));
  });

  it("starts from the newest backup when nothing was committed since", async () => {
    const late = await find({ from: new Date(Date.now() + 3_600_000).toISOString(), to: "2100-01-01T00:00:00.000Z" });
    expect([late.moments, late.backupIds]).toEqual([[], [lateBackupId]]);
  });

  type Request = RunRequestInput<"find-moment">;

  async function ask(request: Partial<Request>): Promise<string> {
    const asked: Request = {
      ...{ serverId, database: "shop", relation: null, leastRows: 500, timeline: null, mostMoments: 100 },
      ...{ from: beganAt.toISOString(), to: "2100-01-01T00:00:00.000Z", ...request },
    };
    return (await place.request("find-moment", asked, { serverId, repositoryId })).id;
  }

  async function find(request: Partial<Request>) {
    const runId = await ask(request);
    return { runId, ...FindMomentResult.parse((await place.endedAs(runId, "succeeded")).result) };
  }

  function told({ moments }: FindMomentResult): string[] {
    return moments.flatMap(({ xid, changes }) =>
      changes.map(({ kind, schema, name, rows }) => {
        const what = [...xids].find(([, one]) => one === xid)?.[0];
        return `${what} | ${kind} ${schema}.${name} ${rows ?? 0}`;
      }),
    );
  }

  async function accident(what: string, sql: string): Promise<void> {
    await shop.query("BEGIN");
    for (const one of sql.split("; ")) await shop.query(one);
    const { rows } = await shop.query<{ xid: string }>("SELECT txid_current()::text AS xid");
    await shop.query("COMMIT");
    xids.set(what, Number(rows[0]?.xid));
  }

  /** By the server's clock, which keeps microseconds: behind everything that was committed. */
  async function now(): Promise<Date> {
    const { rows } = await shop.query<{ at: Date }>(
      "SELECT clock_timestamp() + interval '2 ms' AS at FROM pg_sleep(0.005)",
    );
    return rows[0]?.at ?? new Date(0);
  }

  async function received(): Promise<void> {
    const { rows } = await shop.query<{ lsn: string }>("SELECT pg_current_wal_flush_lsn()::text AS lsn");
    const [high = "0", low = "0"] = (rows[0]?.lsn ?? "").split("/");
    const lsn = (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
    await waitFor(async () => ((await place.metadata.walReceivers.ofServers([serverId]))[0]?.flushedLsn ?? 0n) >= lsn, {
      what: "the WAL to be received",
      timeoutMs: 30_000,
    });
  }

  async function backup(): Promise<string> {
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
    return backupId;
  }

  async function addServer(): Promise<string> {
    const run = await place.request("connection-test", {
      serverId: null,
      sealedDsn: await place.seal(source.dsn()),
      intent: {
        ...{ kind: "add-server", name: "main", repositoryId, policyId: null, retention: null, schedules: [] },
        ...{ sameSystemAs: null, firstBackup: false, isDemo: false, walMode: "stream" },
      },
    });
    return ConnectionReportResult.parse((await place.endedAs(run.id, "succeeded")).result).serverId ?? "";
  }
});
