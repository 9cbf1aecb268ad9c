import { newId } from "@tidemark/kit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Seed, type TestMetadata, testMetadata } from "./test-database.ts";

let database: TestMetadata;
let seed: Seed;
beforeAll(async () => {
  database = await testMetadata();
  seed = await database.seed();
});
afterAll(() => database[Symbol.asyncDispose]());
const sql = (text: string) => database.server.query(text, [], { database: "tidemark" });
const at = (time: string) => new Date(`2026-11-20T${time}Z`);

describe("looks at a server", () => {
  const none = { checked: [], seen: [] };
  const finding = (checkId: string, found: string) => ({
    checkId,
    severity: "risk" as const,
    title: checkId,
    found,
    why: "w",
  });
  const snapshotOf = async (serverId: string) => (await database.metadata.servers.snapshots([serverId]))[0];
  const openOf = async (serverId: string) =>
    (await database.metadata.findings.open([serverId])).map(({ checkId, found }) => `${checkId}: ${found}`);

  it("keep the newest snapshot, whatever order they end in", async () => {
    const { servers } = database.metadata;
    const { serverId } = await database.seed("snapshots");
    expect(await servers.snapshots([serverId])).toEqual([]);
    const look = (time: string, name: string) => ({
      observedAt: at(time),
      document: { name },
      checks: [],
      findings: none,
    });
    for (const [time, name] of [
      ["10:00:00", "first"],
      ["10:05:00", "second"],
      ["10:01:00", "slow"],
    ] as const) {
      expect(await servers.recordLook(serverId, look(time, name))).toBe(true);
    }
    expect(await servers.snapshots([serverId, seed.serverId])).toEqual([
      { serverId, observedAt: at("10:05:00"), document: { name: "second" }, checks: [] },
    ]);
  });

  it("put a check that was asked alone in its old place", async () => {
    const { servers } = database.metadata;
    const { serverId } = await database.seed("checks");
    const checks = ["a", "b", "c"].map((id) => ({ id, state: "found" }));
    const alone = [
      { id: "b", state: "ok" },
      { id: "new", state: "ok" },
    ];
    await servers.recordLook(serverId, { observedAt: at("09:00:00"), document: null, checks: alone, findings: none });
    expect(await snapshotOf(serverId)).toBeUndefined();
    await servers.recordLook(serverId, { observedAt: at("10:00:00"), document: {}, checks, findings: none });
    await servers.recordLook(serverId, { observedAt: at("10:01:00"), document: null, checks: alone, findings: none });
    const row = await snapshotOf(serverId);
    expect(row?.checks).toMatchObject([checks[0], alone[0], checks[2], alone[1]].map((check) => check ?? {}));
    expect(row?.observedAt).toEqual(at("10:00:00"));
  });

  it("do not bring back what a check asked meanwhile has found mended", async () => {
    const { servers, findings } = database.metadata;
    const { serverId } = await database.seed("overlapping");
    const check = (id: string, state: string) => ({ id, state });
    const found = { checked: ["a", "b"], seen: [finding("a", "old"), finding("b", "old")] };
    await servers.recordLook(serverId, {
      observedAt: at("10:00:00"),
      document: { n: 1 },
      checks: [check("a", "found"), check("b", "found")],
      findings: found,
    });
    // A poll begins at 10:05 and sees both; somebody mends a, and asks it again at 10:06; the poll ends after that.
    await servers.recordLook(serverId, {
      observedAt: at("10:06:00"),
      document: null,
      checks: [check("a", "ok")],
      findings: { checked: ["a"], seen: [] },
    });
    await servers.recordLook(serverId, {
      observedAt: at("10:05:00"),
      document: { n: 2 },
      checks: [check("a", "found"), check("b", "found")],
      findings: { checked: ["a", "b"], seen: [finding("a", "slow"), finding("b", "newer")] },
    });
    expect(await openOf(serverId)).toEqual(["b: newer"]);
    expect(await snapshotOf(serverId)).toMatchObject({
      observedAt: at("10:05:00"),
      document: { n: 2 },
      checks: [check("a", "ok"), check("b", "found")],
    });
    // And a look from before both changes nothing at all.
    await servers.recordLook(serverId, {
      observedAt: at("10:01:00"),
      document: { n: 0 },
      checks: [check("a", "found"), check("b", "ok")],
      findings: { checked: ["a", "b"], seen: [finding("a", "oldest")] },
    });
    expect(await openOf(serverId)).toEqual(["b: newer"]);
    expect((await findings.ofServers([serverId], false)).map(({ checkId }) => checkId)).toEqual(["a"]);
  });

  it("are listed of each server, however many another one has", async () => {
    const { findings } = database.metadata;
    const quiet = (await database.seed("quiet")).serverId;
    const noisy = (await database.seed("noisy")).serverId;
    await findings.record({ kind: "server", serverId: quiet }, [], [finding("a", "old")]);
    await sql(`INSERT INTO finding (id, check_id, subject_id, server_id, severity, title, found, why, first_seen_at, last_seen_at)
      SELECT 'fnd_' || n, 'check-' || n, '${noisy}', '${noisy}', 'note', 't', 'f', 'w', now() + n * interval '1 second', now()
        FROM generate_series(1, 600) AS n`);
    const listed = await findings.ofServers([quiet, noisy], true);
    expect(listed.filter(({ serverId }) => serverId === quiet).map(({ checkId }) => checkId)).toEqual(["a"]);
    expect(
      listed
        .filter(({ serverId }) => serverId === noisy)
        .map(({ checkId }) => checkId)
        .slice(0, 2),
    ).toEqual(["check-600", "check-599"]);
  });

  it("leave a server that was removed alone", async () => {
    const { servers } = database.metadata;
    const { serverId } = await database.seed("removed");
    const look = { observedAt: at("10:00:00"), document: {}, checks: [], findings: none };
    await servers.recordLook(serverId, look);
    await servers.remove(serverId);
    const late = { ...look, findings: { checked: ["a"], seen: [finding("a", "late")] } };
    expect(await servers.recordLook(serverId, late)).toBe(false);
    expect(await servers.snapshots([serverId])).toEqual([]);
    expect(await openOf(serverId)).toEqual([]);
  });
});

describe("offline periods", () => {
  it("are one at a time, said who and why, and end with what was missed", async () => {
    const { offline } = database.metadata;
    const { serverId } = seed;
    const set = (by: string) => offline.setOffline({ serverId, by, reason: `because of ${by}` });
    const periods = await Promise.all([set("user:a"), set("user:b"), set("user:c")]);
    expect(new Set(periods.map((period) => period.id)).size).toBe(1);
    const [open] = await offline.current([serverId]);
    expect(open).toEqual(periods[0]);
    expect(open).toMatchObject({ endedAt: null, endedBy: null, missed: [], missedCount: 0 });
    expect(open?.reason).toBe(`because of ${open?.by}`);

    const times = [{ kind: "backup" as const, dueAt: at("03:00:00") }];
    const ended = await offline.setOnline({ serverId, by: "user:d", missed: { times, count: 7 } });
    expect(ended).toMatchObject({ id: open?.id, endedBy: "user:d", missed: times, missedCount: 7 });
    expect(ended?.endedAt).toBeInstanceOf(Date);
    expect(await offline.setOnline({ serverId, by: "user:e", missed: { times: [], count: 0 } })).toBeNull();
    expect(await offline.current()).toEqual([]);
    expect(await offline.latest([serverId])).toEqual([ended]);

    const again = await set("user:f");
    expect(again.id).not.toBe(open?.id);
    expect(await offline.ofServer(serverId, 10)).toEqual([again, ended]);
    expect(await offline.ofServer(serverId, 1)).toEqual([again]);
    expect(await offline.latest([serverId, newId("server")])).toEqual([again]);
    expect((await offline.current()).map((period) => period.id)).toEqual([again.id]);
  });

  it("are not for servers that are not there", async () => {
    const { offline, servers } = database.metadata;
    const request = { serverId: newId("server"), by: "user:a", reason: "x" };
    await expect(offline.setOffline(request)).rejects.toMatchObject({ code: "not-found" });
    const { serverId } = await database.seed("left");
    await servers.remove(serverId);
    await expect(offline.setOffline({ ...request, serverId })).rejects.toMatchObject({ code: "not-found" });
  });

  it("hold what no code of ours may break", async () => {
    const insert = (columns: string, values: string) =>
      sql(`INSERT INTO offline_period (id, server_id, by, reason, ${columns})
           VALUES ('${newId("offline")}', '${seed.serverId}', 'user:a', 'x', ${values})`);
    await expect(insert("ended_at", "now()")).rejects.toThrow("offline_period_end_check");
    await expect(insert("ended_at, ended_by, since", "now(), 'u', now() + interval '1 d'")).rejects.toThrow(
      "offline_period_end_check",
    );
    await expect(insert("ended_at, ended_by, missed", "now() + interval '1 h', 'u', '[1]'")).rejects.toThrow(
      "offline_period_missed_check",
    );
  });
});

describe("findings of checks", () => {
  it("say what was read, how to mend it, and whether it can be asked alone", async () => {
    const { findings } = database.metadata;
    const subject = { kind: "server", serverId: seed.serverId } as const;
    const finding = {
      checkId: "wal-level",
      severity: "blocks-wal" as const,
      title: "t",
      found: "minimal",
      read: "wal_level",
      required: "replica",
      why: "w",
      remedy: { settings: "wal_level = replica", advice: "both", needs: "restart" as const },
      recheckable: true,
    };
    const plain = { checkId: "late", severity: "risk" as const, title: "t", found: "f", why: "w" };
    await findings.record(subject, ["wal-level", "late"], [plain, finding]);
    const open = await findings.open([seed.serverId]);
    expect(open[0]).toMatchObject(finding);
    expect(open[1]).toMatchObject({ ...plain, read: null, recheckable: false, remedy: null });
    await findings.record(subject, ["wal-level"], [{ ...finding, recheckable: false, read: "pg_settings" }]);
    expect((await findings.open([seed.serverId]))[0]).toMatchObject({ recheckable: false, read: "pg_settings" });
  });
});
