import { newId } from "@tidemark/kit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SeenFinding } from "./finding-store.ts";
import { type Seed, type TestMetadata, testMetadata } from "./test-database.ts";

let database: TestMetadata;
let seed: Seed;
beforeAll(async () => {
  database = await testMetadata();
  seed = await database.seed();
});
afterAll(() => database[Symbol.asyncDispose]());
const sql = (text: string) => database.server.query(text, [], { database: "tidemark" });

const dsn = { sealedDsn: "c2VhbGVk", connection: "postgresql://u@h/d" };
const contact = {
  systemIdentifier: "18446744073709551615",
  serverVersion: "18.4",
  majorVersion: 18,
  inRecovery: false,
  sizeBytes: 2n ** 62n,
};

describe("servers", () => {
  it("are registered whole or not at all, with a clear refusal", async () => {
    const { servers, policies, schedules } = database.metadata;
    const policy = { create: { name: "own", keepLast: 7, windowDays: null, minimum: 1 } };
    const server = await servers.register({
      name: "shop",
      ...dsn,
      repositoryId: seed.repositoryId,
      policy,
      contact,
      schedules: [{ kind: "drill", cron: "0 4 * * 0", zone: "UTC" }],
    });
    expect(server).toMatchObject({ areaId: server.id, version: 1, ...contact, removedAt: null });
    expect(server.lastContactAt).toBeInstanceOf(Date);
    expect(
      JSON.stringify(server, (_, value: unknown) => (typeof value === "bigint" ? `${value}` : value)),
    ).not.toContain(dsn.sealedDsn);
    expect(await schedules.ofServers([server.id])).toMatchObject([{ kind: "drill", enabled: true, lastFiredAt: null }]);
    const again = (change: object) =>
      servers.register({
        name: "other",
        ...dsn,
        repositoryId: seed.repositoryId,
        policy: { id: seed.policyId },
        ...change,
      });
    await expect(again({ name: "shop" })).rejects.toMatchObject({
      code: "name-taken",
      message: expect.stringContaining("server"),
    });
    await expect(again({ policy })).rejects.toMatchObject({
      code: "name-taken",
      message: expect.stringContaining("policy"),
    });
    await expect(again({ repositoryId: newId("repository") })).rejects.toMatchObject({
      code: "not-found",
      message: expect.stringContaining("repository"),
    });
    await expect(again({ policy: { id: newId("policy") } })).rejects.toMatchObject({
      code: "not-found",
      message: expect.stringContaining("policy"),
    });
    await expect(
      again({ name: "shop", policy: { create: { ...policy.create, name: "left over" } } }),
    ).rejects.toMatchObject({ code: "name-taken" });
    expect(await policies.findByName("left over")).toBeNull();
    expect(await servers.findBySystemIdentifier(contact.systemIdentifier)).toMatchObject([{ id: server.id }]);
  });

  it("change only when nobody else did meanwhile", async () => {
    const { servers } = database.metadata;
    const server = await servers.register({
      name: "changing",
      ...dsn,
      repositoryId: seed.repositoryId,
      policy: { id: seed.policyId },
    });
    const changed = await servers.update(server.id, { name: "changed" }, 1);
    expect(changed).toMatchObject({ name: "changed", version: 2 });
    await expect(servers.update(server.id, { name: "late" }, 1)).rejects.toMatchObject({ code: "version-conflict" });
    await expect(servers.update(server.id, { name: "main" })).rejects.toMatchObject({ code: "name-taken" });
    await expect(servers.update(newId("server"), { name: "x" })).rejects.toMatchObject({ code: "not-found" });
    await servers.recordContact(server.id, { ...contact, sizeBytes: null });
    expect(await servers.get(server.id)).toMatchObject({ version: 2, systemIdentifier: contact.systemIdentifier });
  });

  it("free their name, lose their credentials and keep their history when removed", async () => {
    const { servers, runs, schedules } = database.metadata;
    const server = await servers.register({
      name: "gone",
      ...dsn,
      repositoryId: seed.repositoryId,
      policy: { id: seed.policyId },
      schedules: [{ kind: "backup", cron: "0 1 * * *", zone: "UTC" }],
    });
    await servers.addMember({ serverId: server.id, name: "standby", ...dsn });
    await expect(servers.addMember({ serverId: server.id, name: "standby", ...dsn })).rejects.toMatchObject({
      code: "name-taken",
    });
    expect(await servers.credentials(server.id)).toEqual({
      sealedDsn: dsn.sealedDsn,
      members: [{ name: "standby", sealedDsn: dsn.sealedDsn }],
    });
    const { run } = await runs.create({ kind: "backup", request: {}, requestedBy: "user:a", serverId: server.id });
    expect(await servers.remove(server.id)).toBe(true);
    expect(await servers.remove(server.id)).toBe(false);
    await expect(servers.credentials(server.id)).rejects.toMatchObject({ code: "not-found" });
    expect(await sql(`SELECT sealed_dsn FROM server WHERE id = '${server.id}'`)).toEqual([{ sealed_dsn: "" }]);
    expect(await schedules.ofServers([server.id])).toEqual([]);
    expect((await servers.all()).map((one) => one.name)).not.toContain("gone");
    expect((await runs.get(run.id))?.serverId).toBe(server.id);
    expect(
      (await servers.register({ name: "gone", ...dsn, repositoryId: seed.repositoryId, policy: { id: seed.policyId } }))
        .name,
    ).toBe("gone");
  });
});

describe("policies, repositories and schedules", () => {
  it("refuse taken names, impossible numbers and late changes", async () => {
    const { policies } = database.metadata;
    const policy = await policies.create({ name: "week", keepLast: null, windowDays: 7, minimum: 2 });
    await expect(policies.create({ name: "week", keepLast: 1, windowDays: null, minimum: 1 })).rejects.toMatchObject({
      code: "name-taken",
    });
    expect(await policies.update(policy.id, { windowDays: 14 }, 1)).toMatchObject({
      windowDays: 14,
      minimum: 2,
      version: 2,
    });
    await expect(policies.update(policy.id, { windowDays: 21 }, 1)).rejects.toMatchObject({ code: "version-conflict" });
    await expect(policies.update(newId("policy"), { windowDays: 21 })).rejects.toMatchObject({ code: "not-found" });
    await expect(sql(`UPDATE policy SET keep_last = 0 WHERE id = '${policy.id}'`)).rejects.toThrow(
      "policy_numbers_check",
    );
    const pages = [await policies.list({ first: 1 }), await policies.list({ last: 1 })];
    expect(pages.map((page) => page.totalCount)).toEqual([pages[0]?.totalCount, pages[0]?.totalCount]);
    expect(pages[0]?.rows[0]?.name).not.toBe(pages[1]?.rows[0]?.name);
  });

  it("give a repository's key only to who asks for credentials", async () => {
    const { repositories } = database.metadata;
    const made = await repositories.create({ name: "vault", url: "s3://vault", encrypted: true });
    expect(made).toMatchObject({ state: "attaching", hasKey: false, checkedAt: null });
    await expect(repositories.create({ name: "vault", url: "s3://x", encrypted: true })).rejects.toMatchObject({
      code: "name-taken",
    });
    // A place that could not be attached is corrected; one that is being attached, or is attached, is not.
    const elsewhere = { name: "vault", url: "s3://vault", encrypted: true };
    await expect(repositories.attachElsewhere(made.id, elsewhere)).rejects.toMatchObject({ code: "not-found" });
    await repositories.update(made.id, { state: "failed", stateDetail: "there is no such bucket" });
    const again = await repositories.attachElsewhere(made.id, elsewhere);
    expect(again).toMatchObject({ id: made.id, state: "attaching", stateDetail: null });
    const ready = await repositories.update(made.id, {
      state: "ready",
      formatId: "rep_x",
      formatVersion: 1,
      sealedKey: "U0VDUkVU",
      freeBytes: 5n,
      stateDetail: null,
    });
    expect(ready).toMatchObject({ state: "ready", hasKey: true, freeBytes: 5n, formatVersion: 1 });
    expect(ready.checkedAt).toBeInstanceOf(Date);
    expect(Object.values(ready)).not.toContain("U0VDUkVU");
    expect(await repositories.credentials(made.id)).toEqual({
      url: "s3://vault",
      sealedKey: "U0VDUkVU",
      sealedStoreCredentials: null,
    });
    const saved = await repositories.confirmRecoveryKit(made.id);
    expect((await repositories.confirmRecoveryKit(made.id)).recoveryKitSavedAt).toEqual(saved.recoveryKitSavedAt);
    await expect(repositories.update(newId("repository"), { state: "ready" })).rejects.toMatchObject({
      code: "not-found",
    });
  });

  it("keep one schedule per server and kind", async () => {
    const { schedules } = database.metadata;
    const first = await schedules.set({ serverId: seed.serverId, kind: "verify", cron: "0 5 * * *", zone: "UTC" });
    const second = await schedules.set({
      serverId: seed.serverId,
      kind: "verify",
      cron: "0 6 * * *",
      zone: "Asia/Tokyo",
      enabled: false,
    });
    expect(second).toMatchObject({ id: first.id, cron: "0 6 * * *", zone: "Asia/Tokyo", enabled: false });
    expect((await schedules.enabled()).map((one) => one.id)).not.toContain(first.id);
    await expect(
      schedules.set({ serverId: newId("server"), kind: "verify", cron: "0 5 * * *", zone: "UTC" }),
    ).rejects.toMatchObject({ code: "not-found" });
    expect(await schedules.remove(first.id)).toBe(true);
    expect(await schedules.remove(first.id)).toBe(false);
  });
});

describe("backups", () => {
  it("mirror every fact without loss, LSNs over the whole range included", async () => {
    const { backups } = database.metadata;
    const id = newId("backup");
    const change = {
      state: "restorable" as const,
      finishedAt: new Date("2026-11-20T10:00:00.123Z"),
      startLsn: 2n ** 64n - 1n,
      stopLsn: 0x16_b374d848n,
      timeline: 3,
      systemIdentifier: "18446744073709551615",
      checksumsEnabled: true,
      sizeBytes: 2n ** 62n,
      tablespaces: [{ oid: 16_384, path: "/srv/ts", sizeBytes: "9007199254740993" }],
      suspectPages: [{ path: "base/5/1259", blocks: [1, 2, 3] }],
      notes: ["no slot was free"],
      files: { classes: [{ label: "< 8 KiB", count: 3, bytes: "123" }], largest: [{ path: "base/1", bytes: "9" }] },
      hold: { by: "user:a", at: new Date("2026-11-20T11:00:00Z"), reason: "audit" },
      verification: { at: "2026-11-20T12:00:00Z", ok: true, checkedBytes: "5", checkedFiles: 1, problems: [] },
    };
    const mirrored = await backups.mirror({
      id,
      serverId: seed.serverId,
      repositoryId: seed.repositoryId,
      startedAt: new Date("2026-11-20T09:00:00Z"),
      change,
    });
    expect(mirrored).toMatchObject({ ...change, runId: null, damageDetail: null });
    expect(mirrored.mirroredAt).toBeInstanceOf(Date);
    expect(await sql(`SELECT suspect_page_count AS n FROM backup WHERE id = '${id}'`)).toEqual([{ n: 3 }]);
    expect(await backups.update(id, { hold: null, note: "n" })).toMatchObject({
      hold: null,
      note: "n",
      startLsn: change.startLsn,
    });
    await expect(sql(`UPDATE backup SET hold_by = 'x' WHERE id = '${id}'`)).rejects.toThrow("backup_hold_check");
  });

  it("change state only from where the caller thinks they are, and a deleted one is not revived", async () => {
    const { backups } = database.metadata;
    const backup = await backups.create({
      id: newId("backup"),
      serverId: seed.serverId,
      repositoryId: seed.repositoryId,
    });
    expect(backup.state).toBe("running");
    expect(await backups.findOrphaned()).toMatchObject([{ id: backup.id }]);
    expect(await backups.update(backup.id, { state: "deleting" }, ["restorable"])).toBeNull();
    expect(
      await backups.update(backup.id, { state: "deleted", deletedAt: new Date(), deletedReason: "beyond the rules" }, [
        "running",
      ]),
    ).toMatchObject({ state: "deleted" });
    expect(
      await backups.mirror({
        id: backup.id,
        serverId: seed.serverId,
        repositoryId: seed.repositoryId,
        change: { state: "restorable" },
      }),
    ).toMatchObject({ state: "deleted" });
    expect((await backups.ofServer(seed.serverId)).map((one) => one.id)).not.toContain(backup.id);
    expect((await backups.list({ serverId: seed.serverId, states: ["deleted"] }, { first: 10 })).rows).toHaveLength(1);
    await expect(backups.update(newId("backup"), { note: "x" })).rejects.toMatchObject({ code: "not-found" });
  });

  it("answer what the overview asks, for many servers at once", async () => {
    const { backups } = database.metadata;
    const { serverId, repositoryId } = await database.seed("overview");
    const ids: string[] = [];
    for (const day of [1, 2, 3]) {
      const id = newId("backup");
      ids.push(id);
      await backups.mirror({
        id,
        serverId,
        repositoryId,
        startedAt: new Date(Date.UTC(2026, 10, day)),
        change: {
          state: day === 3 ? "failed" : "restorable",
          damageDetail: day === 1 ? "a pack is missing" : null,
          provenAt: day === 1 ? new Date(Date.UTC(2026, 10, 9)) : null,
        },
      });
    }
    expect((await backups.latestRestorable([serverId])).map((one) => one.id)).toEqual([ids[1]]);
    expect((await backups.oldestRestorable([serverId])).map((one) => one.id)).toEqual([ids[0]]);
    expect((await backups.lastProven([serverId, seed.serverId])).map((one) => one.id)).toEqual([ids[0]]);
    expect(await backups.damagedCounts([serverId, seed.serverId])).toEqual(new Map([[serverId, 1]]));
    expect((await backups.list({ serverId }, { first: 2 })).rows.map((one) => one.id)).toEqual([ids[2], ids[1]]);
  });
});

describe("findings", () => {
  const finding = (checkId: string, change: Partial<SeenFinding> = {}): SeenFinding => ({
    checkId,
    severity: "risk",
    title: "t",
    found: "f",
    why: "w",
    ...change,
  });

  it("are opened once, refreshed when seen again, resolved when not, and other checks' left alone", async () => {
    const { findings } = database.metadata;
    const subject = { kind: "server", serverId: seed.serverId } as const;
    const all = ["wal-level", "role", "slots"];
    expect(
      await findings.record(subject, all, [
        finding("wal-level", { severity: "blocks-backup", remedy: { sql: "ALTER SYSTEM …" } }),
        finding("role"),
      ]),
    ).toEqual({ opened: 2, resolved: 0 });
    const [worst] = await findings.open([seed.serverId]);
    expect(worst).toMatchObject({ checkId: "wal-level", remedy: { sql: "ALTER SYSTEM …" }, subjectId: seed.serverId });
    expect(await findings.record(subject, ["wal-level"], [finding("wal-level", { found: "still" })])).toEqual({
      opened: 0,
      resolved: 0,
    });
    const [again] = (await findings.open([seed.serverId])).filter((one) => one.checkId === "wal-level");
    expect(again).toMatchObject({ id: worst?.id, found: "still", remedy: null, firstSeenAt: worst?.firstSeenAt });
    await Promise.all([1, 2, 3].map(() => findings.record({ kind: "instance" }, ["key"], [finding("key")])));
    expect((await findings.open()).filter((one) => one.checkId === "key")).toHaveLength(1);
    expect(await findings.record(subject, all, [finding("role")])).toEqual({ opened: 0, resolved: 1 });
    expect((await findings.list({ serverId: seed.serverId, open: false }, { first: 10 })).rows).toMatchObject([
      { checkId: "wal-level" },
    ]);
    // Back again: a new finding, the old one stays resolved.
    expect(await findings.record(subject, all, [finding("wal-level"), finding("role")])).toEqual({
      opened: 1,
      resolved: 0,
    });
    expect((await findings.list({ serverId: seed.serverId }, { first: 10 })).totalCount).toBe(3);
  });
});

describe("audit", () => {
  it("is one chain without gaps under writers at the same time, and shows any change", async () => {
    const { audit } = database.metadata;
    const before = (await audit.verify()).count;
    await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        audit.append({
          actor: "user:a",
          action: "test",
          targetKind: null,
          targetId: null,
          outcome: "ok",
          detail: { z: index, a: { d: [1.5, null, "ü"], b: true } },
        }),
      ),
    );
    expect(await audit.verify()).toEqual({ count: before + 12, brokenAtSeq: null });
    expect((await audit.list({ first: 1 })).rows[0]?.seq).toBe(BigInt(before + 12));
    await expect(sql("UPDATE audit_event SET actor = 'nobody'")).rejects.toThrow("append-only");
    await expect(sql("DELETE FROM audit_event")).rejects.toThrow("append-only");
    await expect(sql("TRUNCATE audit_event")).rejects.toThrow("append-only");
    await sql("ALTER TABLE audit_event DISABLE TRIGGER USER");
    await sql(`UPDATE audit_event SET actor = 'nobody' WHERE seq = ${before + 5}`);
    expect(await audit.verify()).toEqual({ count: before + 4, brokenAtSeq: BigInt(before + 5) });
    await sql(`UPDATE audit_event SET actor = 'user:a' WHERE seq = ${before + 5}`);
    await sql(`DELETE FROM audit_event WHERE seq = ${before + 7}`);
    expect(await audit.verify()).toMatchObject({ brokenAtSeq: BigInt(before + 8) });
    await sql("ALTER TABLE audit_event ENABLE TRIGGER USER");
  });
});

describe("tokens, workers, keys, users and the instance", () => {
  it("keep a token's hash to themselves and its first revocation", async () => {
    const { tokens } = database.metadata;
    const hash = "ab".repeat(32);
    const token = await tokens.create({
      name: "ci",
      prefix: "tmk_ab",
      hash,
      access: "read-only",
      createdBy: "user:a",
      expiresAt: null,
    });
    expect(Object.values(token)).not.toContain(hash);
    expect(await tokens.findByHash(hash)).toEqual(token);
    expect(await tokens.findByHash("00")).toBeNull();
    await tokens.recordUse(token.id);
    const used = (await tokens.get(token.id))?.lastUsedAt;
    await tokens.recordUse(token.id);
    expect((await tokens.get(token.id))?.lastUsedAt).toEqual(used);
    const revoked = await tokens.revoke(token.id);
    expect((await tokens.revoke(token.id)).revokedAt).toEqual(revoked.revokedAt);
    await expect(tokens.revoke(newId("token"))).rejects.toMatchObject({ code: "not-found" });
    expect((await tokens.list({ first: 10 })).totalCount).toBe(1);
  });

  it("tell living workers from dead ones by the database's clock", async () => {
    const { workers } = database.metadata;
    const id = newId("worker");
    expect(await workers.heartbeat(id)).toBe(false);
    await workers.register({ id, hostname: "h", pid: 7, version: "0.1.0", restoreRoots: ["/srv/restore"] });
    const find = async () => (await workers.list()).find((one) => one.id === id);
    expect(await find()).toMatchObject({ alive: true, restoreRoots: ["/srv/restore"] });
    await sql(`UPDATE worker SET last_seen_at = now() - interval '31 s' WHERE id = '${id}'`);
    expect(await find()).toMatchObject({ alive: false });
    expect(await workers.heartbeat(id)).toBe(true);
    expect(await find()).toMatchObject({ alive: true });
    await workers.stop(id);
    expect(await find()).toMatchObject({ alive: false });
  });

  it("answer a request under a key once", async () => {
    const { idempotency } = database.metadata;
    const key = { principal: "user:a", key: "add", requestHash: "aa" };
    expect(await idempotency.begin(key)).toEqual({ kind: "new" });
    await expect(idempotency.begin(key)).rejects.toMatchObject({ code: "request-in-flight" });
    await expect(idempotency.begin({ ...key, requestHash: "bb" })).rejects.toMatchObject({
      code: "idempotency-key-reused",
    });
    await idempotency.complete(key, { serverId: "srv_1" });
    expect(await idempotency.begin(key)).toEqual({ kind: "replay", response: { serverId: "srv_1" } });
    const dead = { ...key, key: "dead" };
    await idempotency.begin(dead);
    await sql("UPDATE idempotency_key SET created_at = now() - interval '3 min' WHERE key = 'dead'");
    expect(await idempotency.begin(dead)).toEqual({ kind: "new" });
    await idempotency.abandon(dead);
    expect(await idempotency.begin(dead)).toEqual({ kind: "new" });
    await sql("UPDATE idempotency_key SET created_at = now() - interval '25 h'");
    expect(await idempotency.prune()).toBe(2);
  });

  it("keep the first worker's public key", async () => {
    const { instance } = database.metadata;
    expect((await instance.get()).workerPublicKey).toBeNull();
    expect(await instance.setWorkerPublicKey("pub1")).toMatchObject({ workerPublicKey: "pub1" });
    expect(await instance.setWorkerPublicKey("pub1")).toMatchObject({ workerPublicKey: "pub1" });
    await expect(instance.setWorkerPublicKey("pub2")).rejects.toMatchObject({ code: "worker-key-missing" });
    await expect(sql("INSERT INTO instance (singleton, id) VALUES (false, 'second')")).rejects.toThrow(
      "instance_singleton_check",
    );
  });

  it("count users and note who must change a password", async () => {
    const { users, authClient } = database.metadata;
    expect(await users.count()).toBe(0);
    await authClient.user.create({
      data: { id: "u1", name: "Admin", email: "admin@localhost", username: "admin", mustChangePassword: true },
    });
    expect(await users.findByUsername("admin")).toMatchObject({ id: "u1", mustChangePassword: true });
    await users.setMustChangePassword("u1", false);
    expect(await users.get("u1")).toMatchObject({ mustChangePassword: false });
    await expect(users.setMustChangePassword("u2", false)).rejects.toMatchObject({ code: "not-found" });
  });
});

it("says metadata-unreachable from every store while the server is away, and goes on when it is back", async () => {
  await database.server.stop({ mode: "immediate" });
  await expect(database.metadata.ping()).rejects.toMatchObject({ code: "metadata-unreachable" });
  await expect(database.metadata.servers.all()).rejects.toMatchObject({ code: "metadata-unreachable" });
  await expect(database.metadata.runs.list({}, { first: 1 })).rejects.toMatchObject({ code: "metadata-unreachable" });
  await expect(database.metadata.leases.holder("x")).rejects.toMatchObject({ code: "metadata-unreachable" });
  await expect(database.metadata.runs.create({ kind: "collect", request: {}, requestedBy: "t" })).rejects.toMatchObject(
    { code: "metadata-unreachable" },
  );
  await database.server.start();
  await database.metadata.ping();
  expect((await database.metadata.servers.all()).length).toBeGreaterThan(0);
});
