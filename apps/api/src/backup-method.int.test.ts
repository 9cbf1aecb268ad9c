import { parseRunRequest } from "@tidemark/jobs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seedBackup, type TestApi, testApi } from "./test-api.ts";

let api: TestApi;
let seeded: Awaited<ReturnType<typeof seedBackup>>;
beforeAll(async () => {
  api = await testApi();
  seeded = await seedBackup(api.metadata);
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

const mutate = (name: string, input: object, fields = "run { id kind state }") => api.mutate(name, input, fields);

/** What a worker will read of a backup's run. */
async function requestOf(runId: string) {
  const row = await api.metadata.runs.get(runId);
  return parseRunRequest("backup", row?.request);
}

describe("a backup's method", () => {
  it("is kept with the run, and its member must be there", async () => {
    await api.metadata.servers.addMember({
      serverId: seeded.server.id,
      name: "standby-b",
      sealedDsn: "c2VhbGVk",
      connection: "postgresql://b.example/postgres",
    });
    const input = { serverId: seeded.server.id, method: "READ_FILES", readers: 8, memberName: "standby-b" };
    const { run } = await mutate("takeBackup", input);
    expect(await requestOf(run.id)).toMatchObject({
      method: "read-files",
      readers: 8,
      memberName: "standby-b",
    });
    const unknown = await mutate("takeBackup", { ...input, memberName: "c" });
    expect(unknown.userErrors[0]).toMatchObject({
      code: "not-found",
      field: ["memberName"],
      hint: "its members: standby-b",
    });
    for (const readers of [0, 17]) {
      expect((await mutate("takeBackup", { ...input, readers })).userErrors[0].field).toEqual(["readers"]);
    }
    const rest = await api.rest("POST", "/api/v1/runs", {
      kind: "backup",
      serverId: seeded.server.id,
      method: "local-files",
    });
    expect(await requestOf(rest.body.id)).toMatchObject({ method: "local-files", readers: 4 });
  });
});

describe("a server's own backup method", () => {
  const ofBackup = async (input: object) => {
    const { run } = await mutate("takeBackup", { serverId: seeded.server.id, ...input });
    return (await requestOf(run.id)).method;
  };

  it("is stream at first, and is what a backup gets that asks for none", async () => {
    const { id } = seeded.server;
    const shown = await api.graphql("query ($id: ID!) { server(id: $id) { backupMethod } }", { id });
    expect(shown.data.server).toEqual({ backupMethod: "STREAM" });
    expect(await ofBackup({})).toBe("stream");
    const fields = "server { backupMethod version }";
    const changed = await mutate("updateServer", { id, backupMethod: "READ_FILES" }, fields);
    expect(changed).toMatchObject({ server: { backupMethod: "READ_FILES" }, userErrors: [] });
    expect(await ofBackup({})).toBe("read-files");
    expect(await ofBackup({ method: null })).toBe("read-files");
    expect(await ofBackup({ method: "STREAM" })).toBe("stream");
  });

  it("stays when something else changes, and when another change came first", async () => {
    const { id } = seeded.server;
    const fields = "server { backupMethod version }";
    const { server } = await mutate("updateServer", { id, backupMethod: "READ_FILES" }, fields);
    const renamed = await mutate("updateServer", { id, name: "renamed" }, fields);
    expect(renamed.server).toEqual({ backupMethod: "READ_FILES", version: server.version + 1 });
    const late = await mutate("updateServer", { id, backupMethod: "STREAM", expectedVersion: server.version }, fields);
    expect(late.userErrors[0].code).toBe("version-conflict");
    expect((await api.metadata.servers.get(id))?.backupMethod).toBe("read-files");
  });

  it("is shown and changed over REST", async () => {
    const path = `/api/v1/servers/${seeded.server.id}`;
    const etag = async () => (await api.rest("GET", path)).headers.get("etag") ?? "";
    const changed = await api.rest("PATCH", path, { backupMethod: "local-files" }, { "if-match": await etag() });
    expect([changed.status, changed.body.backupMethod]).toEqual([200, "local-files"]);
    expect((await api.rest("GET", path)).body.backupMethod).toBe("local-files");
    const started = await api.rest("POST", "/api/v1/runs", { kind: "backup", serverId: seeded.server.id });
    expect(await requestOf(started.body.id)).toMatchObject({ method: "local-files" });
    const wrong = await api.rest("PATCH", path, { backupMethod: "magic" }, { "if-match": await etag() });
    expect([wrong.status, wrong.body.code]).toEqual([400, "bad-request"]);
  });
});
