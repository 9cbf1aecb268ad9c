import { type InspectResult, parseRunRequest, ServerAct, type ServerActResult } from "@tidemark/jobs";
import { newSealingKeys, openSealed, seal } from "@tidemark/kit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sampleChecks, sampleSnapshot } from "./sample-inspection.ts";
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

async function mutate(name: string, input: object, fields = "run { id kind state }", headers?: Record<string, string>) {
  const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`;
  const answer = await api.graphql(
    `mutation ($input: ${type}!) { ${name}(input: $input) { ${fields} userErrors { code field message hint } } }`,
    { input },
    headers,
  );
  if (answer.errors !== undefined) throw new Error(JSON.stringify(answer.errors));
  return answer.data[name];
}

const { keys, recipient } = await (async () => {
  const pair = await newSealingKeys();
  return { keys: pair, recipient: pair.publicKey };
})();
const path = (rest: string) => `/api/v1/servers/${seeded.server.id}${rest}`;

/** A run as a worker leaves it. */
async function finish(
  runId: string,
  result: InspectResult | ServerActResult,
  state: "succeeded" | "failed" = "succeeded",
) {
  const id = "wrk_00000000000000000000000000";
  await api.metadata.workers.register({ id, hostname: "test", pid: 1, version: "0", restoreRoots: [] });
  await api.metadata.runs.claim(runId, id);
  const error = { code: "host-unknown" as const, message: "no such host", hint: null };
  await api.metadata.runs.finish(runId, state === "failed" ? { state, error, result } : { state, result });
}

interface ActCase {
  readonly mutation: string;
  readonly input: object;
  /** As the worker is asked. */
  readonly act: ServerAct;
  /** As REST asks for it. */
  readonly rest: readonly [method: string, path: string, body?: object];
  readonly result: ServerActResult;
  readonly shown: object;
}

const instant = "2026-11-21T10:00:00.000Z";
const setting = {
  name: "wal_level",
  value: "replica",
  unit: null,
  source: "default",
  sourceFile: null,
  sourceLine: null,
  pendingRestart: false,
  context: "postmaster",
};
const plan = {
  planHash: "the-hash",
  name: "standby_1",
  active: true,
  client: "walreceiver from 10.0.0.7",
  retainedBytes: "123456789012",
  own: false,
  consequences: ["walreceiver from 10.0.0.7 is ended"],
};

const cases: readonly ActCase[] = [
  {
    mutation: "switchWal",
    input: {},
    act: { kind: "switch-wal" },
    rest: ["POST", "/wal-switch"],
    result: { kind: "switch-wal", closedFile: null, lsn: "0/3000000", sentence: "nothing was written" },
    shown: { __typename: "WalSwitched", closedFile: null, lsn: "0/3000000", sentence: "nothing was written" },
  },
  {
    mutation: "checkpointServer",
    input: {},
    act: { kind: "checkpoint" },
    rest: ["POST", "/checkpoint"],
    result: { kind: "checkpoint", lsn: "0/3000028", timeline: 2, sentence: "done" },
    shown: { __typename: "CheckpointDone", lsn: "0/3000028", timeline: 2, sentence: "done" },
  },
  {
    mutation: "createRestorePoint",
    input: { name: "vor der Änderung" },
    act: { kind: "restore-point", name: "vor der Änderung" },
    rest: ["POST", "/restore-points", { name: "vor der Änderung" }],
    result: { kind: "restore-point", name: "vor der Änderung", lsn: "0/3000090", sentence: "written" },
    shown: { __typename: "RestorePointCreated", name: "vor der Änderung", lsn: "0/3000090", sentence: "written" },
  },
  {
    mutation: "createReplicationSlot",
    input: { name: "standby_1", reserveWal: false },
    act: { kind: "create-slot", name: "standby_1", reserveWal: false },
    rest: ["POST", "/slots", { name: "standby_1", reserveWal: false }],
    result: { kind: "create-slot", name: "standby_1", restartLsn: null, sentence: "made" },
    shown: { __typename: "SlotCreated", name: "standby_1", restartLsn: null, sentence: "made" },
  },
  {
    mutation: "planReplicationSlotDrop",
    input: { name: "standby_1" },
    act: { kind: "plan-drop-slot", name: "standby_1" },
    rest: ["POST", "/slots/standby_1/drop-plan"],
    result: { kind: "plan-drop-slot", plan },
    shown: { __typename: "SlotDropPlan", ...plan },
  },
  {
    mutation: "dropReplicationSlot",
    input: { name: "standby_1", planHash: "the-hash" },
    act: { kind: "drop-slot", name: "standby_1", planHash: "the-hash" },
    rest: ["DELETE", "/slots/standby_1?planHash=the-hash"],
    result: { kind: "drop-slot", name: "standby_1", sentence: "gone" },
    shown: { __typename: "SlotDropped", name: "standby_1", sentence: "gone" },
  },
  {
    mutation: "readServerSettings",
    input: { names: ["wal_level", "nonsense"] },
    act: { kind: "settings", names: ["wal_level", "nonsense"] },
    rest: ["POST", "/settings", { names: ["wal_level", "nonsense"] }],
    result: { kind: "settings", settings: [setting], missing: ["nonsense"] },
    shown: { __typename: "SettingsRead", settings: [setting], missing: ["nonsense"] },
  },
  {
    mutation: "statServerFile",
    input: { path: "PG_VERSION" },
    act: { kind: "file-stat", path: "PG_VERSION" },
    rest: ["POST", "/file-stat", { path: "PG_VERSION" }],
    result: {
      kind: "file-stat",
      path: "PG_VERSION",
      sizeBytes: "12345678901",
      isDirectory: false,
      accessedAt: instant,
      modifiedAt: instant,
      changedAt: instant,
      createdAt: null,
    },
    shown: {
      __typename: "FileStat",
      path: "PG_VERSION",
      sizeBytes: "12345678901",
      isDirectory: false,
      accessedAt: instant,
      modifiedAt: instant,
      changedAt: instant,
      createdAt: null,
    },
  },
  {
    mutation: "readServerFile",
    input: { path: "PG_VERSION", offset: "4294967296", lengthBytes: 10, recipient },
    act: { kind: "read-file", path: "PG_VERSION", offset: 4_294_967_296, lengthBytes: 10, recipient },
    rest: ["POST", "/file-read", { path: "PG_VERSION", offset: "4294967296", lengthBytes: 10, recipient }],
    result: {
      kind: "read-file",
      path: "PG_VERSION",
      offset: 4_294_967_296,
      lengthBytes: 3,
      sealedBytes: await seal(recipient, Buffer.from("18\n").toString("base64")),
      atEnd: true,
    },
    shown: { __typename: "FileChunk", path: "PG_VERSION", offset: "4294967296", lengthBytes: 3, atEnd: true },
  },
];

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
    await finish(run.id, one.result);
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
      await finish(run.id, result);
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

describe("inspections", () => {
  it("ask for all or for some checks, and show what they found, also of a server that cannot be asked", async () => {
    const { run } = await mutate("inspectServer", { serverId: seeded.server.id, checkIds: ["wal-level"] });
    const row = await api.metadata.runs.get(run.id);
    expect(parseRunRequest("inspect", row?.request)).toEqual({ serverId: seeded.server.id, checkIds: ["wal-level"] });
    const [blocking] = sampleChecks;
    const result = { observedAt: instant, checks: [...sampleChecks], blocksBackup: true, blocksWal: false };
    await finish(run.id, result, "failed");
    const { data } = await api.graphql(
      `query ($id: ID!) { run(id: $id) { state serverAct { __typename } inspection { observedAt blocksBackup blocksWal
         checks { id title state severity read required found why remedy { sql hba settings advice needs } } } } }`,
      { id: run.id },
    );
    expect(data.run).toMatchObject({ state: "FAILED", serverAct: null });
    expect(data.run.inspection).toMatchObject({ observedAt: instant, blocksBackup: true, blocksWal: false });
    expect(data.run.inspection.checks[0]).toEqual({
      ...blocking,
      state: "FOUND",
      severity: "BLOCKS_BACKUP",
      remedy: {
        sql: "ALTER SYSTEM SET wal_level = replica;",
        hba: null,
        settings: null,
        advice: null,
        needs: "RESTART",
      },
    });
    const twin = await api.rest("POST", path("/inspect"), {});
    const asked = await api.metadata.runs.get(twin.body.id);
    expect(parseRunRequest("inspect", asked?.request).checkIds).toBeNull();
  });

  it("leave a snapshot and checks that both surfaces show, and nothing before the first one", async () => {
    const server = await api.graphql("query ($id: ID!) { server(id: $id) { snapshot { observedAt } checks { id } } }", {
      id: seeded.server.id,
    });
    expect(server.data.server).toEqual({ snapshot: null, checks: [] });
    const none = await api.rest("GET", path("/snapshot"));
    expect([none.status, none.body.code]).toEqual([404, "not-found"]);
    expect((await api.rest("GET", path("/checks"))).body).toEqual({ items: [] });

    const observedAt = new Date(sampleSnapshot.observedAt);
    await api.metadata.servers.recordLook(seeded.server.id, {
      observedAt,
      document: sampleSnapshot,
      checks: sampleChecks,
      findings: { checked: [], seen: [] },
    });
    expect((await api.rest("GET", path("/snapshot"))).body).toEqual(sampleSnapshot);
    expect((await api.rest("GET", path("/checks"))).body).toEqual({ items: sampleChecks });
    const { data, errors } = await api.graphql(
      `query ($id: ID!) { server(id: $id) { checks { id state } snapshot { observedAt
        info { versionNum systemIdentifier summarizeWal startedAt relationSegmentSizeBytes clockDifferenceMs }
        extensions { name version comment } tablespaces { oid name path insideDataDirectory }
        configurationFiles { purpose path insideDataDirectory } wal { lsn fileName fileOffset timeline at }
        recovery { replayedLsn } archiver { mode isArchiving archivedCount lastArchivedAt segmentsPerSecond }
        slots { name kind active restartLsn retainedBytes safeWalSizeBytes inactiveSince own }
        replication { pid kind startedAt sentLsn lagBytes syncPriority }
        synchronousStandbys { text method count names }
        privileges { role isSuperuser acts { act state remedySql } excess { what } scripts { purpose satisfied sql } }
        unreadable { section code message } } } }`,
      { id: seeded.server.id },
    );
    expect(errors).toBeUndefined();
    expect(data.server.checks).toEqual([
      { id: "wal-level", state: "FOUND" },
      { id: "checksums", state: "OK" },
      { id: "archiver", state: "NOT_ASKED" },
    ]);
    expect(data.server.snapshot).toMatchObject({
      observedAt: sampleSnapshot.observedAt,
      info: { versionNum: 170_010, startedAt: instant, relationSegmentSizeBytes: 1_073_741_824 },
      tablespaces: [{ oid: 4_294_967_000, insideDataDirectory: false }],
      configurationFiles: [{ purpose: "HBA", insideDataDirectory: null }],
      wal: { lsn: "0/3000148", fileName: "000000010000000000000003" },
      recovery: null,
      archiver: { mode: "ALWAYS", archivedCount: "12345678901234567890" },
      slots: [{ kind: "PHYSICAL", retainedBytes: "123456789012", inactiveSince: instant }],
      replication: [{ kind: "WAL_RECEIVER", lagBytes: "0" }],
      synchronousStandbys: { method: "QUORUM", count: 1, names: ["*"] },
      privileges: { acts: [{ act: "checkpoint", state: "NOT_AVAILABLE" }] },
      unreadable: [{ section: "archiver" }],
    });
  });

  it("of another version count as none, until the next one", async () => {
    const other = await seedBackup(api.metadata, "upgraded");
    const { info: _lacking, ...document } = sampleSnapshot;
    const observedAt = new Date(sampleSnapshot.observedAt);
    await api.metadata.servers.recordLook(other.server.id, {
      observedAt,
      document,
      checks: sampleChecks,
      findings: { checked: [], seen: [] },
    });
    const { data, errors } = await api.graphql(
      "query ($id: ID!) { server(id: $id) { name snapshot { observedAt } checks { id } } }",
      { id: other.server.id },
    );
    expect([errors, data.server]).toEqual([undefined, { name: "upgraded", snapshot: null, checks: [] }]);
    expect((await api.rest("GET", `/api/v1/servers/${other.server.id}/snapshot`)).status).toBe(404);
  });

  it("open findings, which both surfaces list and the server's state hears of", async () => {
    const subject = { kind: "server", serverId: seeded.server.id } as const;
    const finding = {
      checkId: "wal-level",
      severity: "blocks-backup" as const,
      title: "WAL level",
      found: "wal_level is minimal",
      read: "wal_level",
      required: "replica",
      why: "no backup without WAL",
      remedy: { settings: "wal_level = replica", needs: "restart" as const },
      recheckable: true,
    };
    const resolved = { ...finding, checkId: "gone", severity: "note" as const };
    await api.metadata.findings.record(subject, ["wal-level", "gone"], [finding, resolved]);
    await api.metadata.findings.record(subject, ["wal-level", "gone"], [finding]);
    const { data } = await api.graphql(
      `query ($id: ID!) { server(id: $id) { protection { state reasons }
         findings { checkId severity read recheckable remedy { settings advice needs } } } }`,
      { id: seeded.server.id },
    );
    expect(data.server.findings).toEqual([
      {
        checkId: "wal-level",
        severity: "BLOCKS_BACKUP",
        read: "wal_level",
        recheckable: true,
        remedy: { settings: "wal_level = replica", advice: null, needs: "RESTART" },
      },
    ]);
    expect(data.server.protection.state).toBe("AT_RISK");
    expect(data.server.protection.reasons).toContainEqual(expect.stringContaining("wal_level is minimal"));
    const listed = async (query: string) =>
      (await api.rest("GET", path(`/findings${query}`))).body.items.map((one: { checkId: string }) => one.checkId);
    expect(await listed("")).toEqual(["wal-level"]);
    expect(await listed("?open=false")).toEqual(["gone"]);
    expect((await listed("?open=all")).sort()).toEqual(["gone", "wal-level"]);
    const [document] = (await api.rest("GET", path("/findings"))).body.items;
    expect(document).toMatchObject({ ...finding, serverId: seeded.server.id, resolvedAt: null });
    await api.metadata.findings.record(subject, ["wal-level"], []);
  });
});

describe("a server that is offline", () => {
  const why = { reason: "a new disk" };
  const everyAct = () => [
    ["inspectServer", {}] as const,
    ["takeBackup", {}] as const,
    ...cases.map((one) => [one.mutation, one.input] as const),
  ];

  it("refuses what reaches for it, says who set it so and why, and lets go on what does not", async () => {
    const set = await mutate("setServerOffline", { serverId: seeded.server.id, ...why }, "server { offline { id } }");
    expect(set.server.offline.id).toMatch(/^off_/);
    for (const [name, input] of everyAct()) {
      const { userErrors } = await mutate(name, { serverId: seeded.server.id, ...input });
      expect(userErrors[0]?.code, name).toBe("server-offline");
      expect(userErrors[0].message).toMatch(/main is offline since .*, set by token:tmk_.*: a new disk/);
    }
    const twin = await api.rest("POST", path("/wal-switch"));
    expect([twin.status, twin.body.code]).toEqual([409, "server-offline"]);
    expect((await mutate("testConnection", { serverId: seeded.server.id })).run).not.toBeNull();
    expect((await mutate("verifyBackup", { id: seeded.newer.id })).run).not.toBeNull();
    const { data } = await api.graphql("query ($id: ID!) { server(id: $id) { protection { state reasons } } }", {
      id: seeded.server.id,
    });
    expect(data.server.protection.reasons).toContainEqual(expect.stringContaining("it is offline since"));
    const document = (await api.rest("GET", path(""))).body;
    expect(document.offline).toMatchObject(why);
  });

  it("keeps the reason it was given first, and wants one", async () => {
    const again = await mutate(
      "setServerOffline",
      { serverId: seeded.server.id, reason: "another" },
      "server { offline { reason } }",
    );
    expect(again.server.offline).toEqual(why);
    for (const reason of ["  ", "x".repeat(501)]) {
      const { userErrors } = await mutate("setServerOffline", { serverId: seeded.server.id, reason }, "server { id }");
      expect(userErrors[0]).toMatchObject({ code: "bad-request", field: ["reason"] });
    }
  });

  it("is put back with what its schedules missed, which both surfaces list", async () => {
    // As if it had been offline for three nights: its schedule is daily at 3 in Berlin.
    await api.database.query(
      `UPDATE offline_period SET since = since - interval '3 days' WHERE ended_at IS NULL;
       UPDATE schedule SET updated_at = updated_at - interval '9 days'`,
      [],
      { database: "tidemark" },
    );
    const fields = `server { offline { id } offlinePeriods(first: 5) {
      by reason since endedAt endedBy missed { kind dueAt } missedCount } }`;
    const query = `query ($id: ID!) { server(id: $id) { offline { missedCount missed { kind } } } }`;
    const { data } = await api.graphql(query, { id: seeded.server.id });
    expect(data.server.offline).toEqual({ missedCount: 3, missed: Array(3).fill({ kind: "BACKUP" }) });
    const { server } = await mutate("setServerOnline", { serverId: seeded.server.id }, fields);
    expect(server.offline).toBeNull();
    const [period] = server.offlinePeriods;
    expect(period).toMatchObject({ ...why, endedBy: period.by, missedCount: 3 });
    expect(period.missed).toHaveLength(3);
    expect(period.missed[0]).toMatchObject({ kind: "BACKUP" });
    const rest = await api.rest("GET", path("/offline-periods?limit=5"));
    expect(rest.body.items[0]).toMatchObject({ ...why, missedCount: 3, missed: [{ kind: "backup" }, {}, {}] });
    const again = await mutate("setServerOnline", { serverId: seeded.server.id }, fields);
    expect([again.userErrors, again.server.offlinePeriods]).toEqual([[], server.offlinePeriods]);
    expect((await mutate("switchWal", { serverId: seeded.server.id })).run).not.toBeNull();
    const twins = await api.rest("POST", path("/offline"), why);
    expect([twins.status, twins.body.offline.reason]).toEqual([200, "a new disk"]);
    expect(twins.headers.get("etag")).toMatch(/^"\d+"$/);
    expect((await api.rest("POST", path("/online"))).body.offline).toBeNull();
  });
});

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
    const row = await api.metadata.runs.get(run.id);
    expect(parseRunRequest("backup", row?.request)).toMatchObject({
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
    const asked = await api.metadata.runs.get(rest.body.id);
    expect(parseRunRequest("backup", asked?.request)).toMatchObject({ method: "local-files", readers: 4 });
  });
});
