import { type FindMomentResult, parseRunRequest } from "@tidemark/jobs";
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

const about = { database: "shop", from: "2026-11-01T13:00:00+01:00", to: "2026-11-01T12:30:00Z" };

describe("finding a moment over the api", () => {
  it("asks for a run with everything that was left out filled in", async () => {
    const input = { serverId: seeded.server.id, ...about };
    const { run, userErrors } = await api.mutate("findMoment", input, "run { id kind state }");
    expect(userErrors).toEqual([]);
    expect(run).toMatchObject({ kind: "FIND_MOMENT", state: "QUEUED" });
    const row = await api.metadata.runs.get(run.id);
    expect(row).toMatchObject({ serverId: seeded.server.id, repositoryId: seeded.server.repositoryId });
    expect(parseRunRequest("find-moment", row?.request)).toEqual({
      ...{ serverId: seeded.server.id, database: "shop", relation: null },
      ...{ from: "2026-11-01T12:00:00.000Z", to: "2026-11-01T12:30:00.000Z" },
      ...{ leastRows: 1000, timeline: null, mostMoments: 100 },
    });
  });

  it("takes a table of public unless told which schema, and refuses what makes no sense", async () => {
    const path = `/api/v1/servers/${seeded.server.id}/find-moment`;
    const { status, body } = await api.rest("POST", path, { ...about, table: "orders", leastRows: 5, timeline: 2 });
    expect(status).toBe(202);
    const request = parseRunRequest("find-moment", (await api.metadata.runs.get(body.id))?.request);
    expect(request).toMatchObject({ relation: { schema: "public", name: "orders" }, leastRows: 5, timeline: 2 });
    for (const wrong of [
      { ...about, to: "2026-10-01T00:00:00Z" },
      { ...about, schema: "public" },
      { ...about, leastRows: 0 },
    ])
      expect((await api.rest("POST", path, wrong)).status).toBe(400);
    const unknown = await api.mutate("findMoment", { serverId: "srv_nobody", ...about });
    expect(unknown.userErrors).toMatchObject([{ code: "not-found" }]);
    const looking = { authorization: `Bearer ${await api.makeToken("read-only")}` };
    const denied = await api.mutate("findMoment", { serverId: seeded.server.id, ...about }, "", looking);
    expect(denied.userErrors).toMatchObject([{ code: "not-allowed" }]);
  });

  it("shows what was found, transactions above 2^31 included", async () => {
    const { run } = await api.mutate("findMoment", { serverId: seeded.server.id, ...about }, "run { id }");
    const result: FindMomentResult = {
      moments: [
        {
          ...{ xid: 4_000_000_001, commitAt: "2026-11-01T12:10:00.000Z", commitLsn: "16/B374D848", timeline: 3 },
          restorable: true,
          changes: [
            { kind: "database-dropped", schema: null, name: null, rows: null },
            { kind: "deleted", schema: "public", name: "orders", rows: 5_000_000_000 },
          ],
        },
      ],
      backupIds: [seeded.newer.id, "bck_gone"],
      ...{ earlierCluster: false, readBytes: "123456789012", transactions: 77, readUntil: null },
      limits: ["the WAL has a hole"],
    };
    const question = `query ($id: ID!) { run(id: $id) { foundMoments {
      moments { xid commitAt commitLsn timeline restorable changes { kind schema table rows } }
      limits backups { id } earlierCluster readBytes transactions readUntil } } }`;
    expect((await api.graphql(question, { id: run.id })).data.run.foundMoments).toBeNull();
    await api.metadata.runs.claim(run.id, workerId);
    await api.metadata.runs.finish(run.id, { state: "succeeded", result });
    const { data, errors } = await api.graphql(question, { id: run.id });
    expect(errors).toBeUndefined();
    expect(data.run.foundMoments).toEqual({
      moments: [
        {
          ...{ xid: "4000000001", commitAt: "2026-11-01T12:10:00.000Z", commitLsn: "16/B374D848", timeline: 3 },
          restorable: true,
          changes: [
            { kind: "DATABASE_DROPPED", schema: null, table: null, rows: null },
            { kind: "DELETED", schema: "public", table: "orders", rows: 5_000_000_000 },
          ],
        },
      ],
      limits: ["the WAL has a hole"],
      backups: [{ id: seeded.newer.id }],
      ...{ earlierCluster: false, readBytes: "123456789012", transactions: 77, readUntil: null },
    });
    expect((await api.rest("GET", `/api/v1/runs/${run.id}`)).body.result).toEqual(result);
  });
});
