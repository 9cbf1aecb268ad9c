import { inspect } from "node:util";
import { type ConnectionReportResult, parseRunRequest } from "@tidemark/jobs";
import { openSealed, seal } from "@tidemark/kit/sealed-text";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildSchema } from "./graphql/schema.ts";
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

const dsnPassword = "h4rd-to-guess-pw";
const dsn = `postgresql://backup:${dsnPassword}@db.example.com/postgres`;

const mutate: TestApi["mutate"] = (...asked) => api.mutate(...asked);

async function newestAudit() {
  return (await api.metadata.audit.list({ first: 1 })).rows[0];
}

describe("mutations", () => {
  it("each write exactly one audit row, done or refused", async () => {
    const mutations = Object.keys(buildSchema().getMutationType()?.getFields() ?? {});
    const id = "bak_00000000000000000000000000";
    const inputs: Record<string, object> = {
      testConnection: { dsn },
      addServer: { name: "audited", dsn },
      updateServer: { id: seeded.server.id, name: "main" },
      removeServer: { id: seeded.server.id, confirmName: "something else" },
      takeBackup: { serverId: seeded.server.id },
      verifyBackup: { id: seeded.newer.id },
      verifyArea: { serverId: seeded.server.id },
      deleteBackup: { id: seeded.older.id },
      holdBackup: { id, reason: "audit" },
      releaseBackup: { id },
      annotateBackup: { id: seeded.newer.id, note: "before the migration" },
      planRestore: { serverId: seeded.server.id, targetDirectory: "/srv/restore" },
      runRestore: { planRunId: "run_00000000000000000000000000", planHash: "x" },
      drillBackup: { id: seeded.newer.id },
      drillServer: { serverId: seeded.server.id },
      findMoment: {
        serverId: seeded.server.id,
        database: "shop",
        from: "2026-11-01T12:00:00Z",
        to: "2026-11-01T13:00:00Z",
      },
      applyRetention: { serverId: seeded.server.id, planHash: "x" },
      cancelRun: { id: "run_00000000000000000000000000" },
      setSchedule: { serverId: seeded.server.id, kind: "DRILL", cron: "0 5 * * 0", zone: "UTC" },
      removeSchedule: { id: "sch_00000000000000000000000000" },
      createPolicy: { name: "a week", windowDays: 7 },
      updatePolicy: { id: seeded.server.policyId, keepLast: 1 },
      addRepository: { name: "second", url: "s3://vault/second?region=eu-central-1", storeCredentials: "chain = yes" },
      requestRecoveryKit: { repositoryId: seeded.repository.id },
      confirmRecoveryKit: { repositoryId: seeded.repository.id },
      listRepositoryKeys: { repositoryId: seeded.repository.id },
      addRepositoryKey: { repositoryId: seeded.repository.id, passphrase: "correct horse", label: "alice" },
      rewrapRepositoryKey: {
        repositoryId: seeded.repository.id,
        oldKeyText: "correct horse",
        passphrase: "battery staple",
      },
      removeRepositoryKey: { repositoryId: seeded.repository.id, ownerId: "key_00000000000000000000000000" },
      rotateRepositoryKeys: { repositoryId: seeded.repository.id, keyTexts: ["correct horse"] },
      updateRepository: { repositoryId: seeded.repository.id, compression: "auto" },
      createApiToken: { name: "audit", access: "READ_ONLY" },
      revokeApiToken: { id: "tok_00000000000000000000000000" },
      inspectServer: { serverId: seeded.server.id, checkIds: ["wal-level"] },
      switchWal: { serverId: seeded.server.id },
      checkpointServer: { serverId: seeded.server.id },
      createRestorePoint: { serverId: seeded.server.id, name: "before the migration" },
      createReplicationSlot: { serverId: seeded.server.id, name: "standby_1" },
      planReplicationSlotDrop: { serverId: seeded.server.id, name: "standby_1" },
      dropReplicationSlot: { serverId: seeded.server.id, name: "standby_1", planHash: "x" },
      readServerSettings: { serverId: seeded.server.id, names: ["wal_level"] },
      statServerFile: { serverId: seeded.server.id, path: "PG_VERSION" },
      readServerFile: { serverId: seeded.server.id, path: "PG_VERSION", lengthBytes: 10, recipient: "nobody" },
      setServerOffline: { serverId: seeded.server.id, reason: "a new disk" },
      setServerOnline: { serverId: seeded.server.id },
      setSecondRepository: { serverId: seeded.server.id, repositoryId: seeded.repository.id },
      copyBackups: { serverId: seeded.server.id },
      rebuildCatalog: { repositoryId: seeded.repository.id },
      createClone: { serverId: seeded.server.id, hours: 1 },
      moveClone: { id: "cln_00000000000000000000000000", target: { kind: "LATEST" } },
      promoteClone: { id: "cln_00000000000000000000000000" },
      extendClone: { id: "cln_00000000000000000000000000", hours: 1 },
      extractFromClone: { id: "cln_00000000000000000000000000", database: "shop", table: "orders" },
      revealCloneConnection: { id: "cln_00000000000000000000000000" },
      endClone: { id: "cln_00000000000000000000000000" },
    };
    expect(Object.keys(inputs).sort()).toEqual([...mutations].sort());
    for (const [name, input] of Object.entries(inputs)) {
      const before = (await api.metadata.audit.list({ first: 1 })).totalCount;
      const payload = await mutate(name, input);
      expect((await api.metadata.audit.list({ first: 1 })).totalCount, name).toBe(before + 1);
      const row = await newestAudit();
      expect(row?.action).toBe(name);
      expect(JSON.stringify(row?.detail), name).not.toMatch(/correct horse|battery staple/);
      expect(row?.outcome, name).toBe(payload.userErrors[0]?.code ?? "ok");
      expect(row?.actor).toMatch(/^token:tmk_/);
    }
    expect(await api.metadata.audit.verify()).toMatchObject({ brokenAtSeq: null });
  });

  it("takes a backup as a run and a running row at once, and rings for it", async () => {
    const payload = await mutate(
      "takeBackup",
      { serverId: seeded.server.id, checkpoint: "SPREAD", maxRateKib: 2048, label: "nightly" },
      "backup { id state label } run { id kind state requestedBy server { name } }",
    );
    expect(payload.backup).toMatchObject({ state: "RUNNING", label: "nightly" });
    expect(payload.run).toMatchObject({ kind: "BACKUP", state: "QUEUED", server: { name: "main" } });
    const run = await api.metadata.runs.get(payload.run.id);
    expect(parseRunRequest("backup", run?.request)).toMatchObject({
      checkpoint: "spread",
      maxRateKib: 2048,
      backupId: payload.backup.id,
    });
    expect(api.rings).toContainEqual({ runId: payload.run.id, kind: "backup" });
    const wrong = await mutate("takeBackup", { serverId: seeded.server.id, maxRateKib: 5 });
    expect(wrong.userErrors[0]).toMatchObject({ code: "bad-request", field: ["maxRateKib"] });
  });

  it("seals what opens an object store, and takes no address with a secret in it", async () => {
    const secret = "a-secret-nobody-may-see";
    const storeCredentials = `access_key_id = AKTEST\nsecret_access_key = ${secret}`;
    const input = { name: "bucket", url: "s3://vault/main?endpoint=https%3A%2F%2Fs3.example.com", storeCredentials };
    const made = await mutate("addRepository", input, "repository { id location } run { id }");
    const id = made.repository.id as string;
    expect(made.repository.location).toBe(input.url);
    const sealed = async () => (await api.metadata.repositories.credentials(id)).sealedStoreCredentials ?? "";
    expect((await openSealed(api.workerKeys.privateKey, await sealed())).reveal()).toBe(storeCredentials);
    await mutate("updateRepository", { repositoryId: id, storeCredentials: "chain = yes" });
    expect((await openSealed(api.workerKeys.privateKey, await sealed())).reveal()).toBe("chain = yes");
    for (const url of ["s3://key:secret@vault/x", "az://vault/x?account=a&sig=secret", "ftp://vault/x"]) {
      const refused = await mutate("addRepository", { name: "other", url });
      expect(refused.userErrors[0]).toMatchObject({ code: "bad-request", field: ["url"] });
    }
    const folder = await mutate("addRepository", { name: "other", url: "/srv/other", storeCredentials });
    expect(folder.userErrors[0]).toMatchObject({ field: ["storeCredentials"] });
    const audit = inspect((await api.metadata.audit.list({ first: 20 })).rows, { depth: 10 });
    expect(audit).not.toContain(secret);
  });

  it("asks for a key that opens the WAL of one server alone, and says of each slot what it opens", async () => {
    const repositoryId = seeded.repository.id;
    const { id: walOf, name } = seeded.server;
    const add = (input: object) => mutate("addRepositoryKey", { repositoryId, ...input }, "run { id }");
    const made = await add({ keyText: "tidemark-key-1:x", label: "host db1", walOf });
    const run = await api.metadata.runs.get(made.run.id);
    const { act } = parseRunRequest("repository-keys", run?.request);
    expect(act).toMatchObject({ kind: "add", keyKind: "key-file", label: "host db1", walOf });
    for (const [input, code] of [
      [{ passphrase: "correct horse", walOf }, "bad-request"],
      [{ keyText: "tidemark-key-1:x", walOf: "srv_00000000000000000000000000" }, "not-found"],
    ] as const)
      expect((await add(input)).userErrors[0]).toMatchObject({ code, field: ["walOf"] });
    const at = "2026-11-22T00:00:00.000Z";
    const slot = { kind: "key-file", recipient: null, keyId: "key_1", keyCreatedAt: at, createdAt: at } as const;
    // The first as a worker of before wrote it.
    const keySlots = [
      { ...slot, slot: "key_2", ownerId: "key_2", label: null, current: true, opened: true },
      { ...slot, slot: "key_3", ownerId: "key_3", label: "host db1", walOf, current: true, opened: false },
    ];
    await api.metadata.repositories.update(repositoryId, { keySlots });
    const opens = [
      { walOf: null, opens: "everything" },
      { walOf, opens: `WAL of ${name}` },
    ];
    const asked = await api.graphql(`{ repository(id: "${repositoryId}") { keySlots { walOf opens } } }`);
    expect(asked).toMatchObject({ data: { repository: { keySlots: opens } } });
    const answer = await api.rest("GET", `/api/v1/repositories/${repositoryId}/keys`);
    expect(answer.body).toMatchObject({ keySlots: opens });
  });

  it("seals a connection string for the workers alone and never shows it again", async () => {
    const payload = await mutate(
      "addServer",
      { name: "billing", dsn, repositoryId: seeded.repository.id, backupCron: "30 2 * * *", zone: "Europe/Berlin" },
      "server { id } run { id state result }",
    );
    expect(payload.server).toBeNull();
    const run = await api.metadata.runs.get(payload.run.id);
    const request = parseRunRequest("connection-test", run?.request);
    expect((await openSealed(api.workerKeys.privateKey, request.sealedDsn ?? "")).reveal()).toBe(dsn);
    expect(request.intent).toMatchObject({ kind: "add-server", name: "billing", firstBackup: true });
    await mutate("testConnection", { dsn: `not a dsn ${dsnPassword}` });
    await mutate("updateServer", { id: seeded.server.id, dsn });
    await mutate("addServer", { name: "in valid", dsn });
    await api.rest("POST", "/api/v1/servers", { name: "rest", dsn }, { "idempotency-key": "k-rest" });
    await api.graphql(`{ servers(first: 1 dsn: "${dsn}") { nodes { id } } }`);
    await api.graphql(
      "{ runs(first: 50) { nodes { id result error { message } } } auditEvents(first: 50) { nodes { detail } } }",
    );
    await api.graphql("query ($n: Int!) { servers(first: $n) { nodes { id } } }", { n: dsn });
    await api.rest("GET", `/api/v1/runs/${encodeURIComponent(dsn)}`);
    await mutate("takeBackup", { serverId: dsn });
    const rows = await api.database.query<{ all: string }>(
      "SELECT (SELECT string_agg(r::text, ' ') FROM run r) || (SELECT string_agg(a::text, ' ') FROM audit_event a) || (SELECT string_agg(k::text, ' ') FROM idempotency_key k) AS all",
      [],
      { database: "tidemark" },
    );
    const stored = rows[0]?.all ?? "";
    expect(stored.length).toBeGreaterThan(1000);
    expect(stored).not.toContain(dsnPassword);
    expect(api.everything.filter((text) => text.includes(dsnPassword))).toEqual([]);
  });

  it("refuses a taken name, an unknown repository and a bad schedule before anything is tested", async () => {
    const codes = async (input: object) => {
      const { userErrors } = await mutate("addServer", { name: "new", dsn, ...input });
      return [userErrors[0].code, userErrors[0].field];
    };
    expect(await codes({ name: "main" })).toEqual(["name-taken", ["name"]]);
    expect(await codes({ repositoryId: "rep_x" })).toEqual(["not-found", ["repositoryId"]]);
    expect(await codes({ backupCron: "61 * * * *" })).toEqual(["cron-invalid", ["backupCron"]]);
    expect(await codes({ zone: "Mars/Olympus", drillCron: "0 1 * * *" })).toEqual(["cron-invalid", ["drillCron"]]);
    expect(await codes({ dsn: "  " })).toEqual(["bad-request", ["dsn"]]);
  });

  it("answers the same key and request with the first answer, and refuses the key for another", async () => {
    const input = { serverId: seeded.server.id, idempotencyKey: "nightly-2026-11-21" };
    const first = await mutate("takeBackup", input, "run { id } backup { id }");
    const again = await mutate("takeBackup", input, "run { id } backup { id }");
    expect(again).toEqual(first);
    const other = await mutate("takeBackup", { ...input, label: "another" }, "run { id }");
    expect(other.userErrors[0].code).toBe("idempotency-key-reused");
    const both = await Promise.all(
      [1, 2, 3].map(() => mutate("verifyBackup", { id: seeded.newer.id, idempotencyKey: "at-once" }, "run { id }")),
    );
    const runIds = new Set(both.flatMap((payload) => (payload.run === null ? [] : [payload.run.id])));
    expect(runIds.size).toBe(1);
    for (const payload of both) {
      if (payload.run === null) expect(payload.userErrors[0].code).toBe("request-in-flight");
    }
  });

  it("gives the run that is there when the api died between the run and its answer", async () => {
    const input = { id: seeded.newer.id, idempotencyKey: "died-between" };
    const first = await mutate("drillBackup", input, "run { id }");
    // What a kill leaves: the run and its own key are committed, the answer is not, and the two minutes are over.
    await api.database.query(
      "UPDATE idempotency_key SET response = NULL, created_at = now() - interval '3 minutes' WHERE key = 'died-between'",
      [],
      { database: "tidemark" },
    );
    const again = await mutate("drillBackup", input, "run { id }");
    expect(again.run.id).toBe(first.run.id);
  });

  it("shows what deleting means first, then refuses a stale, a held and the newest usable one", async () => {
    const plan = (await mutate(
      "deleteBackup",
      { id: seeded.older.id },
      "plan { planHash allowed sentence consequences backup { id } } run { id }",
    )) as {
      plan: { planHash: string; allowed: boolean };
      run: null;
    };
    expect(plan.plan.allowed).toBe(true);
    expect(plan.run).toBeNull();
    const stale = await mutate("deleteBackup", { id: seeded.older.id, planHash: "old" });
    expect(stale.userErrors[0].code).toBe("plan-stale");
    const newest = await mutate("deleteBackup", { id: seeded.newer.id }, "plan { planHash allowed sentence }");
    expect(newest.plan.allowed).toBe(false);
    const refused = await mutate("deleteBackup", { id: seeded.newer.id, planHash: newest.plan.planHash });
    expect(refused.userErrors[0].code).toBe("backup-protected");
    await api.metadata.backups.update(seeded.older.id, { hold: { by: "ann", at: new Date(), reason: "audit" } });
    const held = await mutate("deleteBackup", { id: seeded.older.id, planHash: plan.plan.planHash });
    expect(held.userErrors[0].code).toBe("plan-stale");
    await api.metadata.backups.update(seeded.older.id, { hold: null });
    const done = await mutate(
      "deleteBackup",
      { id: seeded.older.id, planHash: plan.plan.planHash },
      "run { kind state }",
    );
    expect(done.run).toEqual({ kind: "DELETE_BACKUP", state: "QUEUED" });
  });

  it("applies the retention that was shown and refuses it once a hold has changed the plan", async () => {
    const preview = async () =>
      (
        await api.graphql(
          "query ($id: ID!) { previewRetention(serverId: $id) { planHash sentence kept { backup { id } reasons } deleted { backup { id } reasons } } }",
          { id: seeded.server.id },
        )
      ).data.previewRetention;
    const shown = await preview();
    expect(shown.deleted.map((one: { backup: { id: string } }) => one.backup.id)).toEqual([seeded.older.id]);
    expect(shown.kept[0].reasons.length).toBeGreaterThan(0);
    await api.metadata.backups.update(seeded.older.id, { hold: { by: "ann", at: new Date(), reason: "audit" } });
    const stale = await mutate("applyRetention", { serverId: seeded.server.id, planHash: shown.planHash });
    expect(stale.userErrors[0].code).toBe("plan-stale");
    await api.metadata.backups.update(seeded.older.id, { hold: null });
    const done = await mutate(
      "applyRetention",
      { serverId: seeded.server.id, planHash: (await preview()).planHash },
      "run { kind }",
    );
    expect(done.run.kind).toBe("RETENTION");
  });

  it("shows what retention does to the copies, also of what is deleted in the first repository", async () => {
    const { repository, server, older, newer } = await seedBackup(api.metadata, "copied");
    const { repository: second } = await seedBackup(api.metadata, "copies");
    const ask = async () =>
      (
        await api.graphql(
          "query ($id: ID!) { previewRetention(serverId: $id) { deleted { backup { id } } copies { sentence kept { backup { id } } deleted { backup { id } reasons } } } }",
          { id: server.id },
        )
      ).data.previewRetention;
    expect((await ask()).copies).toBeNull();
    await api.metadata.servers.update(server.id, { copyToId: second.id });
    const look = { serverId: server.id, presentIds: [older.id, newer.id] };
    await api.metadata.copies.record({ ...look, repositoryId: second.id });
    // Of another repository, which is none of this one's business.
    await api.metadata.copies.record({ ...look, presentIds: [newer.id], repositoryId: repository.id });
    await api.metadata.backups.update(older.id, { state: "deleted" });
    expect(await ask()).toMatchObject({
      deleted: [],
      copies: {
        kept: [{ backup: { id: newer.id } }],
        deleted: [{ backup: { id: older.id }, reasons: [expect.stringMatching(/./)] }],
        sentence: expect.stringMatching(/^1 backup would be deleted and 1 kept/),
      },
    });
  });

  it("limits copies of a server to a rate, and takes the limit away", async () => {
    const { id } = seeded.server;
    const set = (copyMaxRateKib: number | null) =>
      mutate("updateServer", { id, copyMaxRateKib }, "server { copyMaxRateKib }");
    expect((await set(20_480)).server).toEqual({ copyMaxRateKib: 20_480 });
    expect((await mutate("updateServer", { id, name: "main" }, "server { copyMaxRateKib }")).server).toEqual({
      copyMaxRateKib: 20_480,
    });
    expect((await set(31)).userErrors[0]).toMatchObject({ code: "bad-request", field: ["copyMaxRateKib"] });
    expect((await api.rest("GET", `/api/v1/servers/${id}`)).body.copyMaxRateKib).toBe(20_480);
    expect((await set(null)).server).toEqual({ copyMaxRateKib: null });
  });

  it("shows which WAL goes with the backups that go, and why the rest stays", async () => {
    const { repository, server, older, newer } = await seedBackup(api.metadata, "walled");
    const segment = 16 * 1024 * 1024;
    const at = (index: number) => BigInt(index) * BigInt(segment);
    const place = { systemIdentifier: "7412345678901234567", timeline: 1 };
    await api.metadata.backups.update(older.id, { ...place, startLsn: at(3) + 40n, stopLsn: at(3) + 400n });
    await api.metadata.backups.update(newer.id, { ...place, startLsn: at(6) + 40n, stopLsn: at(6) + 400n });
    const ask = async () =>
      (
        await api.graphql(
          "query ($id: ID!) { previewRetention(serverId: $id) { wal { sentence removed { segments storedBytes ranges { timeline fromLsn toLsn segments storedBytes reason } } kept { segments storedBytes ranges { fromLsn reason } } } } }",
          { id: server.id },
        )
      ).data.previewRetention.wal;
    expect(await ask()).toBeNull();
    await api.metadata.wal.recordSegments(
      [1, 2, 3, 4, 5, 6, 7].map((index) => ({
        ...{ ...place, serverId: server.id, repositoryId: repository.id, startLsn: at(index), sizeBytes: segment },
        ...{ storedBytes: 1_000n, firstCommit: null, lastCommit: null, commitCount: null, restorePoints: [] },
        ...{ lastRecordEnd: null, source: "stream" as const },
      })),
    );
    expect(await ask()).toEqual({
      sentence: "5 WAL segments, 4.88 KiB would be removed; 2 WAL segments, 1.95 KiB kept",
      removed: {
        segments: 5,
        storedBytes: "5000",
        ranges: [
          {
            ...{ timeline: 1, fromLsn: "0/1000000", toLsn: "0/6000000", segments: 5, storedBytes: "5000" },
            reason: "no backup that is kept comes before it",
          },
        ],
      },
      kept: {
        segments: 2,
        storedBytes: "2000",
        ranges: [{ fromLsn: "0/6000000", reason: "no rule says how far back instants are promised" }],
      },
    });
  });

  it("sets what a policy promises beside retention, measures by it, and takes it away again", async () => {
    const fields =
      "server { policy { id sentence rpoTargetSeconds rtoTargetSeconds proofDays verifyDays targetsSentence } verifications { days late freshParts sentence } }";
    const { id } = seeded.server;
    const set = async (targets: object) => (await mutate("updateServer", { id, targets }, fields)).server;
    const first = await set({ rtoTargetSeconds: 3600, verifyDays: 30 });
    expect(first.policy).toMatchObject({
      rpoTargetSeconds: null,
      targetsSentence: "restored within 1 h, everything stored verified every 30 days",
    });
    expect(first.verifications).toEqual([
      { days: 30, late: false, freshParts: 0, sentence: expect.stringContaining("0 of 30 so far") },
    ]);
    const rest = await api.rest("GET", `/api/v1/servers/${id}`);
    expect(rest.body.targets).toEqual({
      rpoTargetSeconds: null,
      rtoTargetSeconds: 3600,
      proofDays: null,
      verifyDays: 30,
    });
    // What is left out stays; null takes away; other rules leave targets alone.
    expect((await set({ rpoTargetSeconds: 300, verifyDays: null })).policy).toMatchObject({
      rpoTargetSeconds: 300,
      rtoTargetSeconds: 3600,
      verifyDays: null,
    });
    const ruled = await mutate("updateServer", { id, retention: { keepLast: 3 } }, fields);
    expect(ruled.server.policy).toMatchObject({
      sentence: expect.stringContaining("3 backups"),
      rtoTargetSeconds: 3600,
    });
    const refused = await mutate("updateServer", { id, targets: { rpoTargetSeconds: 1, proofDays: -1 } });
    expect(refused.userErrors[0]).toMatchObject({ code: "policy-invalid", field: ["rpoTargetSeconds"] });
    expect(refused.userErrors[0].message).toContain("days a proof counts: from 1 to 3650");
    const made = await mutate("createPolicy", { name: "strict", targets: { proofDays: 7 } }, "policy { id proofDays }");
    expect(made.policy.proofDays).toBe(7);
    const both = await mutate("updateServer", { id, policyId: made.policy.id, targets: { proofDays: 3 } });
    expect(both.userErrors[0]).toMatchObject({ field: ["targets"] });
    // No target is something else than the usual one, which null is.
    expect((await set({ rpoTargetSeconds: 0, rtoTargetSeconds: null, proofDays: 0 })).policy).toMatchObject({
      ...{ rpoTargetSeconds: 0, rtoTargetSeconds: null, proofDays: 0 },
      targetsSentence: "no target for commits that may be lost, a proof counts for ever",
    });
    await set({ rpoTargetSeconds: null, proofDays: null });
  });

  it("foretells what a policy leaves, today and later, by numbers or in another tool's words", async () => {
    const simulate = (at: Date, policy: object | null) =>
      api.graphql(
        `query ($id: ID!, $at: DateTime!, $policy: RetentionInput) {
           simulateRetention(serverId: $id, at: $at, policy: $policy) { kept { backup { id } } deleted { backup { id } } sentence }
         }`,
        { id: seeded.server.id, at: at.toISOString(), policy },
      );
    // The page that asks was opened a minute ago.
    const today = await simulate(new Date(Date.now() - 60_000), { keepLast: 1 });
    expect(today.data.simulateRetention).toMatchObject({
      kept: [{ backup: { id: seeded.newer.id } }],
      deleted: [{ backup: { id: seeded.older.id } }],
    });
    const later = await simulate(new Date(Date.now() + 30 * 86_400_000), { text: "REDUNDANCY 2" });
    // Its schedule will have taken newer ones, which are not there yet.
    expect(later.data.simulateRetention).toMatchObject({
      kept: [{ backup: null }, { backup: null }],
      deleted: [{ backup: { id: seeded.older.id } }, { backup: { id: seeded.newer.id } }],
    });
    for (const [at, policy, code] of [
      [new Date(0), null, "bad-request"],
      [new Date(), { text: "for ever" }, "policy-invalid"],
      [new Date(), { text: "7", weekly: 2 }, "bad-request"],
    ] as const) {
      expect((await simulate(at, policy)).errors?.[0]?.extensions?.code, `${at}`).toBe(code);
    }
  });

  it("executes only a plan that a plan run made, by its hash, and says the same as a command and as GraphQL", async () => {
    const planned = await mutate(
      "planRestore",
      {
        serverId: seeded.server.id,
        backupId: seeded.newer.id,
        targetDirectory: "/srv/it's here",
        tablespaces: [{ from: "/a", to: "/b" }],
      },
      "run { id }",
    );
    await api.metadata.runs.claim(planned.run.id, await aWorker());
    const result = {
      planHash: "the-hash",
      ok: true,
      backupId: seeded.newer.id,
      targetDirectory: "/srv/it's here",
      tablespaces: [{ oid: 5, from: "/a", to: "/b" }],
      owner: null,
      fileCount: 3,
      bytesToWrite: "12345678901234567890",
      bytesToRead: "1",
      checks: [{ id: "empty", state: "ok", sentence: "the directory is empty" }],
      sentence: "restores 3 files",
    };
    await api.metadata.runs.finish(planned.run.id, { state: "succeeded", result });
    const { data } = await api.graphql(
      "query ($id: ID!) { run(id: $id) { restorePlan { bytesToWrite equivalentCli equivalentGraphql backup { id } checks { state } } } }",
      { id: planned.run.id },
    );
    expect(data.run.restorePlan).toMatchObject({
      bytesToWrite: "12345678901234567890",
      equivalentCli: `npx tidemark restore run main --backup ${seeded.newer.id} --to '/srv/it'\\''s here' --tablespace /a=/b`,
      checks: [{ state: "OK" }],
    });
    const stale = await mutate("runRestore", { planRunId: planned.run.id, planHash: "another" });
    expect(stale.userErrors[0].code).toBe("plan-stale");
    const twin = await api.graphql(data.run.restorePlan.equivalentGraphql);
    expect(twin.data.runRestore.run.state).toBe("QUEUED");
  });

  it("hands the recovery kit to its asker once", async () => {
    const asked = await mutate(
      "requestRecoveryKit",
      { repositoryId: seeded.repository.id },
      "downloadToken run { id }",
    );
    const run = await api.metadata.runs.get(asked.run.id);
    const sealedKit = await seal(parseRunRequest("recovery-kit", run?.request).recipient, "the kit's text");
    await api.metadata.runs.claim(asked.run.id, await aWorker());
    await api.metadata.runs.finish(asked.run.id, {
      state: "succeeded",
      result: { sealedKit, fileName: "main kit.txt" },
    });
    const path = `/api/v1/repositories/${seeded.repository.id}/recovery-kit?run=${asked.run.id}`;
    const other = await mutate("requestRecoveryKit", { repositoryId: seeded.repository.id }, "downloadToken");
    expect((await api.rest("GET", path, undefined, { "x-download-token": other.downloadToken })).status).toBe(403);
    const kit = await api.rest("GET", path, undefined, { "x-download-token": asked.downloadToken });
    expect([kit.status, kit.body]).toEqual([200, "the kit's text"]);
    expect(kit.headers.get("content-disposition")).toBe('attachment; filename="main_kit.txt"');
    expect((await api.rest("GET", path, undefined, { "x-download-token": asked.downloadToken })).status).toBe(404);
  });

  it("shows a finished connection test in typed fields", async () => {
    const asked = await mutate("testConnection", { serverId: seeded.server.id }, "run { id }");
    await api.metadata.runs.claim(asked.run.id, await aWorker());
    const step = {
      step: "dns",
      title: "Name",
      state: "failed",
      durationMs: 3,
      detail: null,
      error: { code: "host-unknown", message: "no such host", hint: null },
      remedy: { sql: "x" },
    };
    const result: ConnectionReportResult = {
      ok: false,
      steps: [step as never],
      facts: null,
      duplicateOf: { serverId: seeded.server.id, asMember: true },
      serverId: null,
      checks: [],
      privileges: null,
    };
    await api.metadata.runs.finish(asked.run.id, { state: "succeeded", result });
    const { data } = await api.graphql(
      "query ($id: ID!) { run(id: $id) { connectionReport { ok steps { step state error { code } remedy { sql hba } } duplicateOf { asMember server { name } } } } }",
      { id: asked.run.id },
    );
    expect(data.run.connectionReport).toEqual({
      ok: false,
      steps: [{ step: "dns", state: "FAILED", error: { code: "host-unknown" }, remedy: { sql: "x", hba: null } }],
      duplicateOf: { asMember: true, server: { name: "main" } },
    });
  });

  it("cancels a waiting run at once and refuses a final one", async () => {
    const { run } = await mutate("verifyBackup", { id: seeded.newer.id }, "run { id }");
    const cancelled = await mutate("cancelRun", { id: run.id }, "run { state cancelEffect }");
    expect(cancelled.run.state).toBe("CANCELLED");
    expect((await mutate("cancelRun", { id: run.id })).userErrors[0].code).toBe("run-already-final");
  });

  it("removes a server only by its name and not while something runs, and keeps its backups", async () => {
    const busy = await mutate("removeServer", { id: seeded.server.id, confirmName: "main" });
    expect(busy.userErrors[0].code).toBe("server-busy");
    const other = await seedBackup(api.metadata, "leaving");
    const removed = await mutate("removeServer", { id: other.server.id, confirmName: "leaving" }, "removedId sentence");
    expect(removed).toMatchObject({
      removedId: other.server.id,
      sentence: expect.stringContaining("its 2 backups stay"),
    });
    const { data } = await api.graphql(
      "query ($id: ID!) { server(id: $id) { id } backup(id: $b) { server { name } } }".replace(
        "($id: ID!)",
        "($id: ID!, $b: ID!)",
      ),
      { id: other.server.id, b: other.newer.id },
    );
    expect(data).toEqual({ server: null, backup: { server: { name: "leaving" } } });
  });
});

async function aWorker(): Promise<string> {
  const id = "wrk_00000000000000000000000000";
  await api.metadata.workers.register({ id, hostname: "test", pid: 1, version: "0", restoreRoots: [] });
  return id;
}
