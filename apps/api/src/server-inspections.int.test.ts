import { parseRunRequest } from "@tidemark/jobs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { actCases } from "./sample-acts.ts";
import { sampleChecks, sampleSnapshot } from "./sample-inspection.ts";
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
const instant = "2026-11-21T10:00:00.000Z";

describe("inspections", () => {
  it("ask for all or for some checks, and show what they found, also of a server that cannot be asked", async () => {
    const { run } = await mutate("inspectServer", { serverId: seeded.server.id, checkIds: ["wal-level"] });
    const row = await api.metadata.runs.get(run.id);
    expect(parseRunRequest("inspect", row?.request)).toEqual({ serverId: seeded.server.id, checkIds: ["wal-level"] });
    const [blocking] = sampleChecks;
    const result = { observedAt: instant, checks: [...sampleChecks], blocksBackup: true, blocksWal: false };
    await finishRun(api.metadata, run.id, result, "failed");
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
        info { versionNum systemIdentifier summarizeWal startedAt relationSegmentSizeBytes clockDifferenceMs timeZone }
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
    ...actCases.map((one) => [one.mutation, one.input] as const),
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

it("a server is put back although a zone of its schedules is not known here any more", async () => {
  const { server } = await seedBackup(api.metadata, "moved");
  await mutate("setServerOffline", { serverId: server.id, reason: "a new disk" }, "server { id }");
  await api.database.query("UPDATE schedule SET zone = 'Mars/Olympus' WHERE server_id = $1", [server.id], {
    database: "tidemark",
  });
  const fields = "server { offline { id } offlinePeriods(first: 1) { missedCount endedAt } }";
  const put = await mutate("setServerOnline", { serverId: server.id }, fields);
  expect([put.userErrors, put.server.offline]).toEqual([[], null]);
  expect(put.server.offlinePeriods).toMatchObject([{ missedCount: 0, endedAt: expect.any(String) }]);
});
