import { parseRunRequest } from "@tidemark/jobs";
import { seal } from "@tidemark/kit/sealed-text";
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

describe("clones over the api", () => {
  it("writes a row and a run with the target, and lists it until it ends", async () => {
    const at = "2021-11-01T13:00:00+01:00";
    const target = { kind: "TIME", at, inclusive: false };
    const { clone, run, userErrors } = await api.mutate(
      "createClone",
      { serverId: seeded.server.id, target, hours: 2, promote: true },
      "clone { id state promoted expiresAt server { name } } run { id kind }",
    );
    expect(userErrors).toEqual([]);
    expect(clone).toMatchObject({ state: "PREPARING", server: { name: "orders" } });
    const hours = (Date.parse(clone.expiresAt) - Date.now()) / 3_600_000;
    expect(hours).toBeGreaterThan(1.9);
    expect(hours).toBeLessThanOrEqual(2.1);
    const row = await api.metadata.runs.get(run.id);
    expect(parseRunRequest("clone", row?.request)).toMatchObject({
      cloneId: clone.id,
      target: { kind: "time", at: new Date(at).toISOString(), inclusive: false },
      action: "promote",
    });
    expect((await api.rest("GET", `/api/v1/clones?serverId=${seeded.server.id}`)).body.items).toMatchObject([
      { id: clone.id, state: "preparing" },
    ]);
    await api.metadata.clones.update(clone.id, { state: "ended" });
    expect((await api.rest("GET", "/api/v1/clones")).body.items).toEqual([]);
    expect((await api.rest("GET", "/api/v1/clones?ended=true")).body.items).toHaveLength(1);
    const { data } = await api.graphql("query ($id: ID!) { server(id: $id) { clones(living: false) { id } } }", {
      id: seeded.server.id,
    });
    expect(data.server.clones).toEqual([{ id: clone.id }]);
  });

  it("refuses a target that lacks its field, a backup of another server, and acts on what has ended", async () => {
    const wrong = await api.mutate("createClone", { serverId: seeded.server.id, target: { kind: "XID" } });
    expect(wrong.userErrors).toMatchObject([{ code: "bad-request", message: expect.stringMatching(/needs xid/) }]);
    const other = await seedBackup(api.metadata, "other");
    const foreign = await api.mutate("createClone", { serverId: seeded.server.id, backupId: other.newer.id });
    expect(foreign.userErrors).toMatchObject([{ code: "bad-request", field: ["backupId"] }]);
    const clone = await makeClone();
    await api.metadata.clones.update(clone, { state: "ended" });
    const late = await api.mutate("promoteClone", { id: clone });
    expect(late.userErrors).toMatchObject([{ code: "clone-expired" }]);
  });

  it("refuses an instant of the future before anything is written down, for a new one and for one that moves", async () => {
    const id = await makeClone();
    const before = (await api.metadata.clones.list({ serverIds: [seeded.server.id] })).length;
    const target = { kind: "TIME", at: new Date(Date.now() + 86_400_000).toISOString() };
    const unborn = { code: "bad-request", field: ["target", "at"], message: expect.stringMatching(/future/) };
    const made = await api.mutate("createClone", { serverId: seeded.server.id, target }, "run { id }");
    expect(made).toMatchObject({ run: null, userErrors: [unborn] });
    const moved = await api.mutate("moveClone", { id, target }, "run { id }");
    expect(moved).toMatchObject({ run: null, userErrors: [unborn] });
    expect(await api.metadata.clones.list({ serverIds: [seeded.server.id] })).toHaveLength(before);
  });

  it("moves, extends, extracts and ends as runs of their own", async () => {
    const id = await makeClone();
    const { run: moved } = await api.mutate(
      "moveClone",
      { id, target: { kind: "LSN", lsn: "0/5000000" } },
      "run { id } clone { id }",
    );
    const request = (await api.metadata.runs.get(moved.id))?.request;
    expect(parseRunRequest("clone-act", request).act).toEqual({
      kind: "move",
      target: { kind: "lsn", lsn: "0/5000000", inclusive: true },
      timeline: "current",
    });
    const { clone } = await api.mutate("extendClone", { id, hours: 48 }, "clone { expiresAt }");
    expect(Date.parse(clone.expiresAt) - Date.now()).toBeGreaterThan(47 * 3_600_000);
    const extracted = await api.mutate("extractFromClone", { id, database: "shop", table: "orders" }, "run { id }");
    const row = await api.metadata.runs.get(extracted.run.id);
    expect(parseRunRequest("clone-act", row?.request).act).toMatchObject({
      kind: "extract",
      schema: "public",
      format: "csv",
    });
    const { status } = await api.rest("DELETE", `/api/v1/clones/${id}`);
    expect(status).toBe(202);
  });

  it("gives the connection string to whoever asked, and to nobody else", async () => {
    const id = await makeClone();
    const { run, downloadToken } = await api.mutate("revealCloneConnection", { id }, "run { id } downloadToken");
    const asked = parseRunRequest("clone-act", (await api.metadata.runs.get(run.id))?.request).act;
    if (asked.kind !== "connection") throw new Error("another act was asked for");
    const clone = {
      ...{ cloneId: id, backupId: seeded.newer.id, hostname: "test", path: "/srv/clone", host: "127.0.0.1", port: 1 },
      ...{ userName: "tidemark", promoted: false, sentence: null, reachedLsn: null, reachedAt: null, sizeBytes: "1" },
    };
    const dsn = "postgresql://tidemark:hidden-text@127.0.0.1:1/postgres";
    const result = { kind: "connection", clone, extract: null, sealedConnection: await seal(asked.recipient, dsn) };
    await api.metadata.runs.claim(run.id, workerId);
    await api.metadata.runs.finish(run.id, { state: "succeeded", result });
    const path = `/api/v1/clones/${id}/connection?run=${run.id}`;
    expect((await api.rest("GET", path, undefined, { "x-download-token": "tidemark-open-1:wrong" })).status).not.toBe(
      200,
    );
    const opened = await api.rest("GET", path, undefined, { "x-download-token": downloadToken });
    expect(opened).toMatchObject({ status: 200, body: dsn });
    const { data } = await api.graphql("query ($id: ID!) { run(id: $id) { result } }", { id: run.id });
    expect(JSON.stringify(data)).not.toContain("hidden-text");
  });
});

async function makeClone(): Promise<string> {
  const { clone } = await api.mutate("createClone", { serverId: seeded.server.id }, "clone { id }");
  return clone.id;
}
