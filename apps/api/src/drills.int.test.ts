import { type DrillResult, parseRunRequest } from "@tidemark/jobs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seedBackup, type TestApi, testApi } from "./test-api.ts";

let api: TestApi;
let seeded: Awaited<ReturnType<typeof seedBackup>>;
const workerId = "wrk_00000000000000000000000002";

beforeAll(async () => {
  api = await testApi();
  seeded = await seedBackup(api.metadata, "orders");
  await api.metadata.workers.register({ id: workerId, hostname: "test", pid: 1, version: "0", restoreRoots: [] });
});
afterAll(() => api[Symbol.asyncDispose]());

const requestOf = async (runId: string) =>
  parseRunRequest("drill", (await api.metadata.runs.get(runId))?.request ?? null);

describe("drills over the api", () => {
  it("do as the server's settings say, and as the request says where it does", async () => {
    const settings = {
      behindSeconds: 900,
      expectations: { rows: [{ database: "shop", table: "orders", rows: 100, tolerancePercent: 5 }] },
      maxBytes: "5000000000",
    };
    const changed = await api.mutate(
      "updateServer",
      { id: seeded.server.id, drillSettings: settings },
      "server { drillSettings { target behindSeconds timeline maxBytes checkSeconds expectations { rows { table rows tolerancePercent } } } }",
    );
    expect(changed.userErrors).toEqual([]);
    expect(changed.server.drillSettings).toEqual({
      ...{ target: null, behindSeconds: 900, timeline: "latest", maxBytes: "5000000000", checkSeconds: 600 },
      expectations: { rows: [{ table: "orders", rows: 100, tolerancePercent: 5 }] },
    });

    const plain = await api.mutate("drillServer", { serverId: seeded.server.id }, "run { id kind }");
    expect(plain.userErrors).toEqual([]);
    expect(await requestOf(plain.run.id)).toMatchObject({
      promised: true,
      ...{ backupId: null, target: { kind: "behind", seconds: 900 }, maxBytes: "5000000000" },
      expectations: { rows: [{ rows: 100 }], sql: [] },
    });

    const told = await api.mutate(
      "drillBackup",
      {
        id: seeded.newer.id,
        target: { kind: "LSN", lsn: "0/3000060", inclusive: false, timeline: 2 },
        expectations: { sql: [{ name: "none open", database: "shop", sql: "SELECT 0", expected: [["0"]] }] },
      },
      "run { id }",
    );
    expect(told.userErrors).toEqual([]);
    expect(await requestOf(told.run.id)).toMatchObject({
      ...{ backupId: seeded.newer.id, target: { kind: "lsn", lsn: "0/3000060", inclusive: false }, timeline: 2 },
      expectations: { rows: [], sql: [{ name: "none open", timeoutMs: 60_000 }] },
      maxBytes: "5000000000",
      // The window knows no such timeline, so that a drill that cannot get there says nothing of the server.
      promised: false,
    });
  });

  it("refuse what does not go together", async () => {
    const both = await api.mutate("drillServer", {
      ...{ serverId: seeded.server.id, behindSeconds: 1, target: { kind: "LATEST" } },
    });
    expect(both.userErrors).toMatchObject([{ code: "bad-request", field: ["target"] }]);
    const bare = await api.rest("POST", "/api/v1/runs", { kind: "drill" });
    expect([bare.status, bare.body.detail]).toEqual([400, expect.stringMatching(/a backup or a server/)]);
    const unborn = { kind: "TIME", at: new Date(Date.now() + 86_400_000).toISOString() };
    const early = await api.mutate("drillServer", { serverId: seeded.server.id, target: unborn });
    expect(early.userErrors).toMatchObject([
      { code: "bad-request", field: ["target", "at"], message: expect.stringMatching(/future/) },
    ]);
    const notRows = { sql: [{ name: "x", database: "shop", sql: "SELECT 1", expected: "1" }] };
    const shapeless = await api.mutate("drillServer", { serverId: seeded.server.id, expectations: notRows });
    expect(shapeless.userErrors).toMatchObject([{ code: "bad-request" }]);
  });

  it("give their evidence typed, and as a file, when they have ended", async () => {
    const started = await api.rest("POST", "/api/v1/runs", { kind: "drill", serverId: seeded.server.id });
    const runId: string = started.body.id;
    expect((await api.rest("GET", `/api/v1/runs/${runId}/evidence`)).status).toBe(404);
    await api.metadata.runs.claim(runId, workerId);
    const error = { code: "drill-failed" as const, message: "the drill failed", hint: null };
    await api.metadata.runs.finish(runId, { state: "failed", result: failed, error });
    const { data } = await api.graphql(
      "query ($id: ID!) { run(id: $id) { drill { outcome reason rtoMs log backup { id } asked { behindSeconds } checks { name ok } recovery { reachedLsn reachedAt segments } } } }",
      { id: runId },
    );
    expect(data.run.drill).toEqual({
      ...{ outcome: "failed", reason: failed.reason, rtoMs: 61_000, log: "LOG: ready", asked: { behindSeconds: 900 } },
      backup: { id: seeded.newer.id },
      checks: [{ name: "rows in shop.orders", ok: false }],
      recovery: { reachedLsn: "0/5000028", reachedAt: "2026-11-20T10:00:00.000Z", segments: 2 },
    });
    const file = await api.rest("GET", `/api/v1/runs/${runId}/evidence`);
    expect(file.headers.get("content-disposition")).toContain(`tidemark-drill-${runId}.json`);
    expect(file.body).toMatchObject({
      ...{ document: "tidemark drill evidence", version: 1, run: { id: runId, state: "failed" } },
      ...{ server: { name: "orders" }, backup: { id: seeded.newer.id }, result: failed },
      asked: { target: { kind: "behind", seconds: 900 } },
    });
  });
});

const failed: DrillResult = {
  outcome: "failed",
  reason: "orders has 99 rows, 100 were expected",
  rtoMs: 61_000,
  phases: [{ name: "fetch", durationMs: 50_000 }],
  checks: [{ name: "rows in shop.orders", ok: false, detail: "99, expected 100" }],
  get backupId() {
    return seeded.newer.id;
  },
  restored: null,
  recovery: {
    target: { kind: "latest" },
    timeline: 1,
    sentence: "to the end of the WAL",
    reachedLsn: "0/5000028",
    reachedAt: "2026-11-20T10:00:00.000Z",
    segments: 2,
    waitedMs: 5,
  },
  postgresVersion: "18.1",
  tidemarkVersion: "0.1.0",
  hostname: "worker",
  startedAt: "2026-11-20T10:00:00.000Z",
  finishedAt: "2026-11-20T10:02:00.000Z",
  log: "LOG: ready",
};
