import { randomBytes } from "node:crypto";
import {
  BackupResult,
  ConnectionReportResult,
  DrillResult,
  RepositoryKeysResult,
  RestorePlanResult,
  type RunRequest,
  VerifyResult,
} from "@tidemark/jobs";
import { systemClock } from "@tidemark/kit";
import { createLogger } from "@tidemark/kit/logger";
import { keepEverything } from "@tidemark/policy";
import { newRepositoryKey } from "@tidemark/repository";
import { type TestServer, testServer, waitFor } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { refreshRepositoryFindings } from "./refresh-findings.ts";
import { everyRow, notSoon, type TestWorkplace, testWorkplace } from "./test-worker.ts";
import { startVerifyTurns } from "./verify-turns.ts";

describe("a worker", () => {
  let place: TestWorkplace;
  let source: TestServer;
  let repositoryId: string;
  let serverId: string;
  let backupId: string;

  beforeAll(async () => {
    place = await testWorkplace();
    source = await testServer();
    await source.query("CREATE TABLE numbers AS SELECT n, repeat('x', 100) AS pad FROM generate_series(1, 20000) AS n");
    await place.start();
    repositoryId = await place.attachRepository();
  });

  afterAll(async () => {
    await place[Symbol.asyncDispose]();
    await source[Symbol.asyncDispose]();
  });

  it("registers a tested server, backs it up at once and proves the backup by a drill", async () => {
    const run = await place.request("connection-test", await addRequest("main"));
    const ended = await place.endedAs(run.id, "succeeded");
    serverId = ConnectionReportResult.parse(ended.result).serverId ?? "";
    expect(ended.serverId).toBe(serverId);
    const server = await place.metadata.servers.get(serverId);
    expect(server).toMatchObject({ name: "main", majorVersion: 18, inRecovery: false });
    expect(server?.connection).not.toContain("tidemark-test");

    const backup = await waitFor(async () => (await place.metadata.backups.latestRestorable([serverId]))[0], {
      what: "the first backup",
      timeoutMs: 60_000,
    });
    backupId = backup.id;
    expect(backup).toMatchObject({ state: "restorable", serverVersion: "18.4", checksumsEnabled: true, label: null });
    expect(backup.files?.largest.length).toBeGreaterThan(0);

    const drill = await waitFor(async () => (await place.metadata.runs.latestFinished([serverId], "drill"))[0], {
      what: "the first drill",
      timeoutMs: 120_000,
    });
    expect(drill.error).toBeNull();
    expect(DrillResult.parse(drill.result)).toMatchObject({ outcome: "proven" });
    expect((await place.metadata.backups.get(backupId))?.provenAt).toBeInstanceOf(Date);
  }, 180_000);

  it("refuses the same cluster twice, and takes it as a copy with an area of its own when that is confirmed", async () => {
    const refused = await place.endedAs(
      (await place.request("connection-test", await addRequest("twin"))).id,
      "failed",
    );
    expect(refused.error?.code).toBe("system-identifier-registered");
    expect(ConnectionReportResult.parse(refused.result).duplicateOf).toEqual({ serverId, asMember: false });
    const copy = await addRequest("twin", "copy");
    const accepted = await place.endedAs((await place.request("connection-test", copy)).id, "succeeded");
    const twinId = ConnectionReportResult.parse(accepted.result).serverId ?? "";
    expect((await place.metadata.servers.get(twinId))?.areaId).toBe(twinId);
  });

  it("refuses a name that is taken and says so with the report", async () => {
    const run = await place.request("connection-test", await addRequest("main", "copy"));
    const failed = await place.endedAs(run.id, "failed");
    expect(failed.error?.code).toBe("name-taken");
    expect(ConnectionReportResult.parse(failed.result).ok).toBe(true);
  });

  it("tells the step that fails and what to do about it", async () => {
    const sealedDsn = await place.seal(source.dsn({ password: "wrong" }));
    const run = await place.request("connection-test", { serverId: null, sealedDsn, intent: { kind: "test" } });
    const failed = await place.endedAs(run.id, "failed");
    expect(failed.error?.code).toBe("password-wrong");
    const report = ConnectionReportResult.parse(failed.result);
    expect(report.steps.find((step) => step.state === "failed")?.step).toBe("authentication");
  });

  it("lists all that is wrong as soon as the login works, with what mends it", async () => {
    await source.query("CREATE ROLE weak LOGIN PASSWORD 'weak'");
    const sealedDsn = await place.seal(source.dsn({ user: "weak", password: "weak" }));
    const test = { serverId: null, sealedDsn, intent: { kind: "test" as const } };
    const failed = await place.endedAs((await place.request("connection-test", test)).id, "failed");
    expect(failed.error?.code).toBe("replication-not-permitted");
    const { checks, privileges } = ConnectionReportResult.parse(failed.result);
    const check = checks.find((one) => one.id === "replication-right");
    expect(check).toMatchObject({ state: "found", severity: "blocks-backup" });
    expect(privileges).toMatchObject({ role: "weak", isSuperuser: false });
    for (const statement of (check?.remedy?.sql ?? "").split(";").filter((part) => part.trim() !== "")) {
      await source.query(statement);
    }
    const mended = await place.endedAs((await place.request("connection-test", test)).id, "succeeded");
    const after = ConnectionReportResult.parse(mended.result).checks;
    expect(after.filter((one) => one.state === "found" && one.severity === "blocks-backup")).toEqual([]);
  });

  it("verifies a backup and dates it", async () => {
    const run = await place.request(
      "verify",
      { serverId, backupId, tier: "whole", subset: null, repositoryId: null },
      { serverId, backupId },
    );
    await place.endedAs(run.id, "succeeded");
    expect((await place.metadata.backups.get(backupId))?.verifiedAt).toBeInstanceOf(Date);
  });

  it("makes a second backup wait for the first, says for which, and takes both", async () => {
    // Some seconds long, and begun: the second cannot come before it, nor after it.
    const first = await takeBackup(4096);
    await waitFor(async () => (await place.metadata.runs.get(first))?.state === "running", { what: "the first run" });
    const second = await takeBackup();
    const waiting = await waitFor(
      async () => {
        const run = await place.metadata.runs.get(second);
        return run?.waitingReason ?? null;
      },
      { what: "the reason to wait" },
    );
    expect(waiting).toBe(`waiting for backup run ${first}`);
    await place.endedAs(first, "succeeded");
    await place.endedAs(second, "succeeded");
  });

  it("keeps where a backup's bytes came from and in whose packs they live, and why all of the server was read", async () => {
    const run = await place.endedAs(await takeBackup(null, "full"), "succeeded");
    expect(BackupResult.parse(run.result)).toMatchObject({ reading: "full", fullBecause: "a full one was asked for" });
    const row = await place.metadata.backups.get(run.backupId ?? "");
    if (row == null) throw new Error("the backup has no row");
    const total = (row.newBytes ?? 0n) + (row.referencedBytes ?? 0n) + (row.zeroBytes ?? 0n);
    expect(total).toBe(row.sizeBytes);
    expect(row.sentBytes).toBeGreaterThan(row.readBytes ?? 0n);
    const places = row.places ?? [];
    expect(places.reduce((sum, { bytes }) => sum + BigInt(bytes), 0n)).toBe(total - (row.zeroBytes ?? 0n));
    expect(places.find((one) => one.backupId === row.id)?.bytes).toBe(String(row.newBytes));
    const others = places.filter((one) => one.backupId !== row.id);
    expect(others.map((one) => one.backupId)).toContain(backupId);
    // The packs of the first backup were verified, so what this one shares with it is, too.
    expect(row.coverage?.wholeShare).toBeGreaterThan(0);
    expect(row.coverage?.wholeShare).toBeLessThan(1);
  });

  it("verifies all backups of a server at once, and each of them counts as verified", async () => {
    const verify = { serverId, backupId: null, tier: "whole" as const, subset: null, repositoryId: null };
    const asked = await place.request("verify", verify, { serverId, repositoryId });
    const run = await place.endedAs(asked.id, "succeeded");
    const result = VerifyResult.parse(run.result);
    const rows = (await place.metadata.backups.ofServer(serverId)).filter(({ state }) => state === "restorable");
    expect(result).toMatchObject({ ok: true, checkedBackups: rows.length });
    for (const row of rows) {
      expect(row.verifiedAt).toBeInstanceOf(Date);
      expect(row.coverage).toMatchObject({ storedShare: 1, wholeShare: 1 });
    }
    const [least] = await place.metadata.backups.leastCoverage([serverId]);
    expect(least).toMatchObject({ serverId, storedShare: 1, wholeShare: 1 });
    expect(least?.wholeSince).not.toBeNull();
  });

  it("verifies everything by itself as the policy wants it, a part after the other", async () => {
    const server = await place.metadata.servers.get(serverId);
    await place.metadata.policies.update(server?.policyId ?? "", { verifyDays: 2 });
    const deps = { ...place, logger: createLogger({ name: "test", level: "silent" }), clock: systemClock };
    // The verification of everything that a person asked for a moment ago counts for every part.
    expect(await startVerifyTurns(deps)).toBe(0);
    const aDayOn = { ...deps, clock: { ...systemClock, now: () => new Date(Date.now() + 23.5 * 3_600_000) } };
    expect(await startVerifyTurns(aDayOn)).toBe(1);
    const { rows } = await place.metadata.runs.list({ serverId, kinds: ["verify"] }, { first: 1 });
    const [run] = rows;
    expect(run).toMatchObject({ requestedBy: "policy", request: { subset: { part: 1, of: 2 }, tier: "whole" } });
    await place.endedAs(run?.id ?? "", "succeeded");
    const parts = await place.metadata.runs.verifiedParts([serverId]);
    expect(parts.find(({ of }) => of === 2)).toMatchObject({ part: 1, isRunning: false, repositoryId });
    await place.metadata.policies.update(server?.policyId ?? "", { verifyDays: null });
  });

  it("plans a restore, executes that plan and refuses it when the target is not empty any more", async () => {
    const targetDirectory = place.home.join("restored");
    const planRun = await place.request(
      "restore-plan",
      { serverId, backupId, targetDirectory, tablespaces: [], owner: null, delta: false, databases: null },
      { serverId },
    );
    const plan = RestorePlanResult.parse((await place.endedAs(planRun.id, "succeeded")).result);
    expect(plan.ok).toBe(true);
    const request = { serverId, planRunId: planRun.id, planHash: plan.planHash };
    await place.endedAs((await place.request("restore", request, { serverId })).id, "succeeded");
    const again = await place.endedAs((await place.request("restore", request, { serverId })).id, "failed");
    expect(again.error?.code).toBe("target-not-empty");
  });

  it("holds a backup in the repository and mirrors the hold; retention then keeps it", async () => {
    const hold = { serverId, backupId, kind: "hold" as const, text: "audit", by: "user:test" };
    await place.endedAs((await place.request("mark", hold, { serverId, backupId })).id, "succeeded");
    expect((await place.metadata.backups.get(backupId))?.hold).toMatchObject({ by: "user:test", reason: "audit" });
    const run = await place.request("retention", { serverId, planHash: null }, { serverId });
    await place.endedAs(run.id, "succeeded");
    const states = (await place.metadata.backups.ofServer(serverId)).map((row) => [row.id, row.state]);
    expect(states).toContainEqual([backupId, "restorable"]);
    expect(states.length).toBe(2);
  });

  it("refuses to delete a held backup", async () => {
    const run = await place.request("delete-backup", { serverId, backupId, planHash: "shown" }, { serverId, backupId });
    expect((await place.endedAs(run.id, "failed")).error?.code).toBe("backup-held");
    expect((await place.metadata.backups.get(backupId))?.state).toBe("restorable");
  });

  it("cancels a running backup, lists nothing of it and lets the next one succeed", async () => {
    const run = await takeBackup(32);
    await waitFor(async () => (await place.metadata.runs.get(run))?.state === "running", { what: "the run" });
    await place.metadata.runs.requestCancel(run, "user:test", "the copy is thrown away");
    const cancelled = await place.endedAs(run, "cancelled");
    expect((await place.metadata.backups.get(cancelled.backupId ?? ""))?.state).toBe("interrupted");
    await place.endedAs(await takeBackup(), "succeeded");
  });

  it("adds, rotates, replaces and removes keys of the repository, with backups before and after that verify", async () => {
    const run = (act: RunRequest<"repository-keys">["act"]) =>
      place.request("repository-keys", { repositoryId, act }, { repositoryId });
    const keys = async (act: RunRequest<"repository-keys">["act"]) =>
      RepositoryKeysResult.parse((await place.endedAs((await run(act)).id, "succeeded")).result);
    const sealedKey = await place.seal("correct horse");
    const added = await keys({ kind: "add", label: "alice", recipient: null, sealedKey, keyKind: "passphrase" });
    expect(added.slots.filter(({ label }) => label === "alice").length).toBe(1);
    const planned = await keys({ kind: "rotate", planHash: null, sealedKeys: [sealedKey] });
    expect([planned.slots.length, planned.plan?.refusals]).toEqual([2, []]);
    const rotation = { kind: "rotate", planHash: planned.plan?.planHash ?? "", sealedKeys: [sealedKey] } as const;
    const rotated = await keys({ ...rotation, sealedKeys: [...rotation.sealedKeys] });
    expect(rotated.added.length).toBe(2);
    const stale = await place.endedAs((await run({ ...rotation, sealedKeys: [sealedKey] })).id, "failed");
    expect(stale.error?.code).toBe("plan-stale");

    await place.metadata.repositories.setCompression(repositoryId, "lz4");
    const taken = await place.endedAs(await takeBackup(), "succeeded");
    for (const id of [backupId, taken.backupId ?? ""]) {
      const about = { serverId, backupId: id };
      const verify = await place.request(
        "verify",
        { ...about, tier: "whole", subset: null, repositoryId: null },
        about,
      );
      await place.endedAs(verify.id, "succeeded");
    }

    const own = rotated.slots.find(({ opened }) => opened)?.ownerId ?? "";
    const refused = await keys({ kind: "remove", ownerId: own, planHash: null });
    expect(refused.plan?.refusals[0]).toMatch(/control plane opens the repository/);
    const battery = { recipient: null, sealedKey: await place.seal("battery staple"), keyKind: "passphrase" } as const;
    const { sealedKey: workersKey } = await place.metadata.repositories.credentials(repositoryId);
    const ofWorkers = await run({ kind: "rewrap", sealedOldKey: workersKey ?? "", ...battery });
    expect((await place.endedAs(ofWorkers.id, "failed")).error?.code).toBe("key-slot-needed");
    const replaced = await keys({ kind: "rewrap", sealedOldKey: sealedKey, ...battery });
    expect([replaced.added.length, replaced.removed.length]).toEqual([2, 2]);
    const ownerId = replaced.slots.find(({ slot }) => replaced.added.includes(slot))?.ownerId ?? "";
    const removal = await keys({ kind: "remove", ownerId, planHash: null });
    expect(removal.plan?.refusals).toEqual([]);
    const removed = await keys({ kind: "remove", ownerId, planHash: removal.plan?.planHash ?? null });
    expect(removed.removed.length).toBe(2);

    // A database host's: it opens WAL alone, is told of by a rotation that cannot reach it, and may always go.
    const hostKey = await place.seal(newRepositoryKey(randomBytes).text.reveal());
    const about = { label: "host db1", recipient: null, sealedKey: hostKey, keyKind: "key-file" } as const;
    const hosted = await keys({ kind: "add", ...about, walOf: serverId });
    const ofHost = hosted.slots.filter(({ label }) => label === "host db1");
    const name = (await place.metadata.servers.get(serverId))?.name;
    expect(ofHost.map(({ walOf, opens }) => [walOf, opens])).toEqual(Array(2).fill([serverId, `WAL of ${name}`]));
    expect(hosted.slots.filter(({ opens }) => opens === "everything").length).toBe(2);
    const turn = await keys({ kind: "rotate", planHash: null, sealedKeys: [] });
    expect(turn.plan?.sentences.at(-1)).toMatch(/host db1.*`tidemark server host-config` again/);
    await keys({ kind: "rotate", planHash: turn.plan?.planHash ?? "", sealedKeys: [] });
    const outdated = async () => {
      // The worker looks as well; a look of its own that began before may end after.
      await refreshRepositoryFindings({ metadata: place.metadata, clock: systemClock });
      return (await place.metadata.findings.open()).find(({ checkId }) => checkId === "host-key-outdated") ?? null;
    };
    const finding = await waitFor(outdated, { what: "the finding about the host's key" });
    expect(finding.found).toContain("host db1");
    const hostOwner = ofHost[0]?.ownerId ?? "";
    const leaving = await keys({ kind: "remove", ownerId: hostOwner, planHash: null });
    expect(leaving.plan?.refusals).toEqual([]);
    await keys({ kind: "remove", ownerId: hostOwner, planHash: leaving.plan?.planHash ?? null });
    await waitFor(async () => (await outdated()) === null, { what: "the finding to end" });
    const row = await place.metadata.repositories.get(repositoryId);
    expect(row?.keySlots?.map(({ opened, current }) => [opened, current])).toEqual([
      [true, false],
      [true, false],
      [true, true],
    ]);
    expect(await everyRow(place)).not.toContain("correct horse");
  });

  it("makes the row of a backup that only the repository knows", async () => {
    await place.metadataServer.query("DELETE FROM backup WHERE id = $1", [backupId], { database: "tidemark" });
    const row = await place.metadata.repositories.get(repositoryId);
    const request = { repositoryId, url: row?.url ?? "", encrypted: true, sealedKey: null };
    await place.endedAs((await place.request("attach-repository", request, { repositoryId })).id, "succeeded");
    expect(await place.metadata.backups.get(backupId)).toMatchObject({
      state: "restorable",
      hold: { reason: "audit" },
    });
  });

  async function addRequest(name: string, sameSystemAs: "copy" | null = null) {
    return {
      serverId: null,
      sealedDsn: await place.seal(source.dsn()),
      intent: {
        kind: "add-server" as const,
        name,
        repositoryId,
        policyId: null,
        retention: { ...keepEverything, keepLast: 1 },
        schedules: [{ kind: "backup" as const, cron: notSoon(), zone: "UTC" }],
        sameSystemAs,
        firstBackup: name === "main",
        isDemo: false,
      },
    };
  }

  async function takeBackup(maxRateKib: number | null = null, reading: "auto" | "full" = "auto"): Promise<string> {
    const { newId } = await import("@tidemark/kit");
    const id = newId("backup");
    const { run } = await place.metadata.runs.create({
      kind: "backup",
      serverId,
      repositoryId,
      requestedBy: "user:test",
      backup: { id, serverId, repositoryId },
      request: { serverId, backupId: id, checkpoint: "fast", maxRateKib, label: null, drillAfter: false, reading },
    });
    await place.queues.ring(run.id, run.kind);
    return run.id;
  }
});
