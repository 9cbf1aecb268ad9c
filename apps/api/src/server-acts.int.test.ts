import { parseRunRequest, ServerAct } from "@tidemark/jobs";
import { openSealed } from "@tidemark/kit/sealed-text";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { actCases as cases, askerKeys as keys } from "./sample-acts.ts";
import { finishRun, seedBackup, type TestApi, testApi } from "./test-api.ts";

let api: TestApi;
let seeded: Awaited<ReturnType<typeof seedBackup>>;
beforeAll(async () => {
  api = await testApi();
  seeded = await seedBackup(api.metadata);
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

const mutate = (name: string, input: object, fields = "run { id kind state }", headers?: Record<string, string>) =>
  api.mutate(name, input, fields, headers);
const path = (rest: string) => `/api/v1/servers/${seeded.server.id}${rest}`;
const recipient = keys.publicKey;

const actFields = `serverAct { __typename
  ... on WalSwitched { closedFile lsn sentence }
  ... on CheckpointDone { lsn timeline sentence }
  ... on RestorePointCreated { name lsn sentence }
  ... on SlotCreated { name restartLsn sentence }
  ... on SlotDropPlan { planHash name active client retainedBytes own consequences }
  ... on SlotDropped { name sentence }
  ... on SettingsRead { settings { name value unit source sourceFile sourceLine pendingRestart context } missing }
  ... on FileStat { path sizeBytes isDirectory accessedAt modifiedAt changedAt createdAt }
  ... on FileChunk { path offset lengthBytes atEnd } }`;

describe("acts at a server", () => {
  it.each(cases)("$mutation asks a worker, by GraphQL and REST alike, and shows what came of it", async (one) => {
    const { run, userErrors } = await mutate(one.mutation, { serverId: seeded.server.id, ...one.input });
    expect(userErrors).toEqual([]);
    expect(run).toMatchObject({ kind: "SERVER_ACT", state: "QUEUED" });
    const twin = await api.rest(one.rest[0], path(one.rest[1]), one.rest[2]);
    expect([twin.status, twin.headers.get("location")]).toEqual([202, `/api/v1/runs/${twin.body.id}`]);
    for (const id of [run.id, twin.body.id]) {
      const row = await api.metadata.runs.get(id);
      expect(parseRunRequest("server-act", row?.request)).toEqual({ serverId: seeded.server.id, act: one.act });
      expect(api.rings).toContainEqual({ runId: id, kind: "server-act" });
    }
    await finishRun(api.metadata, run.id, one.result);
    const { data } = await api.graphql(`query ($id: ID!) { run(id: $id) { inspection { blocksWal } ${actFields} } }`, {
      id: run.id,
    });
    expect(data.run).toEqual({ inspection: null, serverAct: one.shown });
    expect((await api.rest("GET", `/api/v1/runs/${run.id}`)).body.result).toEqual(one.result);
  });

  it("covers every act there is", () => {
    const kinds = ServerAct.options.map((option) => option.shape.kind.value);
    expect(cases.map((one) => one.act.kind).sort()).toEqual([...kinds].sort());
  });

  it("gives a file's bytes to who has the private key, and leaves them out of lists", async () => {
    const { data } = await api.graphql(
      "{ runs(first: 50, kinds: [SERVER_ACT], states: [SUCCEEDED]) { nodes { id result } } }",
    );
    const chunk = data.runs.nodes.find((run: { result: { kind: string } }) => run.result.kind === "read-file");
    expect(chunk.result).toMatchObject({ path: "PG_VERSION", lengthBytes: 3 });
    expect(chunk.result).not.toHaveProperty("sealedBytes");
    const listed = await api.rest("GET", "/api/v1/runs?kind=server-act&limit=50");
    expect(JSON.stringify(listed.body)).not.toContain("sealedBytes");
    const one = await api.graphql(
      "query ($id: ID!) { run(id: $id) { serverAct { ... on FileChunk { sealedBytes } } } }",
      { id: chunk.id },
    );
    const opened = await openSealed(keys.privateKey, one.data.run.serverAct.sealedBytes);
    expect(Buffer.from(opened.reveal(), "base64").toString()).toBe("18\n");
    const all = await api.graphql("{ runs(first: 100) { nodes { serverAct { ... on FileChunk { sealedBytes } } } } }");
    expect(all.errors?.[0]?.extensions.code).toBe("query-too-costly");
  });

  it("names the field that is wrong before anything is asked of the server", async () => {
    const long = "ä".repeat(32);
    const wrong: readonly [string, object, string][] = [
      ["createRestorePoint", { name: "" }, "name"],
      ["createRestorePoint", { name: long }, "name"],
      ["createRestorePoint", { name: "two\nlines" }, "name"],
      ["createReplicationSlot", { name: "Upper-Case" }, "name"],
      ["dropReplicationSlot", { name: "a", planHash: "" }, "planHash"],
      ["readServerSettings", { names: [] }, "names"],
      ["statServerFile", { path: "a\0b" }, "path"],
      ["statServerFile", { path: "x".repeat(1024) }, "path"],
      ["readServerFile", { path: "a", lengthBytes: 0, recipient }, "lengthBytes"],
      ["readServerFile", { path: "a", lengthBytes: 1_048_577, recipient }, "lengthBytes"],
      ["readServerFile", { path: "a", lengthBytes: 1, offset: "-1", recipient }, "offset"],
      ["readServerFile", { path: "a", lengthBytes: 1, offset: "9007199254740993", recipient }, "offset"],
      ["readServerFile", { path: "a", lengthBytes: 1, recipient: "tidemark-seal-1:short" }, "recipient"],
      ["inspectServer", { checkIds: ["No Such"] }, "checkIds"],
    ];
    for (const [name, input, field] of wrong) {
      const { userErrors } = await mutate(name, { serverId: seeded.server.id, ...input });
      expect([userErrors[0]?.code, userErrors[0]?.field?.[0]], `${name} ${JSON.stringify(input)}`).toEqual([
        "bad-request",
        field,
      ]);
    }
    const unknown = await mutate("switchWal", { serverId: "srv_nobody" });
    expect(unknown.userErrors[0]).toMatchObject({ code: "not-found", field: ["serverId"] });
    const rest = await api.rest("POST", path("/file-read"), { path: "a", lengthBytes: 0, recipient });
    expect([rest.status, rest.body.field]).toEqual([400, "lengthBytes"]);
  });

  it("lets nobody with read-only access look into a server's files and settings, and audits who tried where", async () => {
    const headers = { authorization: `Bearer ${await api.makeToken("read-only")}` };
    for (const [name, input] of [
      ["readServerFile", { path: "/etc/passwd", lengthBytes: 1, recipient }],
      ["statServerFile", { path: "/etc/passwd" }],
      ["readServerSettings", {}],
    ] as const) {
      const { run, userErrors } = await mutate(name, { serverId: seeded.server.id, ...input }, undefined, headers);
      expect([run, userErrors[0].code]).toEqual([null, "not-allowed"]);
      const [row] = (await api.metadata.audit.list({ first: 1 })).rows;
      expect(row).toMatchObject({ action: name, outcome: "not-allowed", targetId: seeded.server.id });
      expect(row?.detail).toMatchObject(input);
    }
  });

  it("shows read-only access what acts did, and nothing of the settings and files that others looked at", async () => {
    const headers = { authorization: `Bearer ${await api.makeToken("read-only")}` };
    for (const { mutation, input, act, result } of cases) {
      const { run } = await mutate(mutation, { serverId: seeded.server.id, ...input });
      await finishRun(api.metadata, run.id, result);
      const isClosed = ["settings", "file-stat", "read-file"].includes(act.kind);
      const { data } = await api.graphql(
        "query ($id: ID!) { run(id: $id) { result serverAct { __typename } } runs(first: 1) { nodes { result } } }",
        { id: run.id },
        headers,
      );
      const one = (await api.rest("GET", `/api/v1/runs/${run.id}`, undefined, headers)).body;
      const list = (await api.rest("GET", "/api/v1/runs?limit=1", undefined, headers)).body;
      const seen = [data.run.result, data.run.serverAct, data.runs.nodes[0].result, one.result, list.items[0].result];
      expect([one.id, list.items[0].id], mutation).toEqual([run.id, run.id]);
      expect(
        seen.map((each) => each === null),
        mutation,
      ).toEqual(seen.map(() => isClosed));
    }
  });

  it("does the same request with the same key once", async () => {
    const input = { serverId: seeded.server.id, name: "once", idempotencyKey: "restore-point-1" };
    const first = await mutate("createRestorePoint", input);
    expect((await mutate("createRestorePoint", input)).run.id).toBe(first.run.id);
    const drop = () =>
      api.rest("DELETE", path("/slots/twice?planHash=x"), undefined, { "idempotency-key": "drop-once" });
    expect((await drop()).body.id).toBe((await drop()).body.id);
  });
});
