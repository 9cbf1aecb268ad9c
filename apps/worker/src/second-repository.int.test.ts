import { chmod, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ConnectionReportResult, CopyResult, RebuildCatalogResult, RestorePlanResult } from "@tidemark/jobs";
import { newId } from "@tidemark/kit";
import { keepEverything } from "@tidemark/policy";
import { type TestServer, testServer, waitFor } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TestWorkplace, testWorkplace } from "./test-worker.ts";

/** One source and one control plane; at the end a second control plane with an empty database. */
describe("a server with a second repository", { timeout: 180_000 }, () => {
  let place: TestWorkplace;
  let source: TestServer;
  let serverId: string;
  let first: string;
  let second: string;
  let backupId: string;

  beforeAll(async () => {
    place = await testWorkplace();
    source = await testServer();
    await source.query("CREATE TABLE numbers AS SELECT n FROM generate_series(1, 1000) AS n");
    await place.start();
    first = await attach(place, "first", place.home.join("first"));
    second = await attach(place, "second", place.home.join("second"));
    const added = await place.request("connection-test", {
      serverId: null,
      sealedDsn: await place.seal(source.dsn()),
      intent: {
        kind: "add-server",
        name: "orders",
        repositoryId: first,
        policyId: null,
        retention: { ...keepEverything, keepLast: 1 },
        schedules: [],
        sameSystemAs: null,
        firstBackup: false,
        isDemo: false,
      },
    });
    const report = (await place.endedAs(added.id, "succeeded")).result;
    serverId = ConnectionReportResult.parse(report).serverId ?? "";
  }, 180_000);

  afterAll(async () => {
    await place?.[Symbol.asyncDispose]();
    await source?.[Symbol.asyncDispose]();
  });

  it("has a copy made after each backup, with its rows, and by hand", async () => {
    const refused = await place.request("copy", { serverId, backupId: null, heal: false }, { serverId });
    expect((await place.endedAs(refused.id, "failed")).error?.message).toContain("has no second repository");
    await place.metadata.servers.update(serverId, { copyToId: second });
    backupId = await takeBackup();
    const copied = await waitFor(
      async () => (await place.metadata.runs.latestFinished([serverId], "copy")).find((run) => run.id !== refused.id),
      { what: "the copy after the backup", timeoutMs: 60_000 },
    );
    expect(copied.error).toBeNull();
    expect(CopyResult.parse(copied.result)).toMatchObject({ copied: [backupId], failed: [] });
    expect(await place.metadata.copies.ofServers([serverId])).toMatchObject([
      { backupId, repositoryId: second, goneAt: null },
    ]);
    const mark = { serverId, backupId, kind: "hold" as const, text: "audit", by: "ada" };
    await place.endedAs((await place.request("mark", mark, { serverId, backupId })).id, "succeeded");
    const again = await place.request("copy", { serverId, backupId: null, heal: false }, { serverId });
    expect(CopyResult.parse((await place.endedAs(again.id, "succeeded")).result)).toMatchObject({
      copied: [],
      copiedMarks: 1,
    });
  });

  it("is restored from the second when the first is away, and the run says so", async () => {
    await rename(place.home.join("first"), place.home.join("away"));
    const targetDirectory = place.home.join("restored");
    const wanted = { serverId, backupId, targetDirectory, tablespaces: [], owner: null, delta: false, databases: null };
    const planRun = await place.request("restore-plan", wanted, { serverId });
    const plan = RestorePlanResult.parse((await place.endedAs(planRun.id, "succeeded")).result);
    const request = { serverId, planRunId: planRun.id, planHash: plan.planHash };
    const restore = await place.request("restore", request, { serverId });
    await place.endedAs(restore.id, "succeeded");
    const events = await place.metadata.runs.eventsAfter(restore.id, 0, 100);
    expect(events.map(({ message }) => message).join("\n")).toContain("reading from the second repository");
    await rename(place.home.join("away"), place.home.join("first"));
  });

  it("gets back by itself what somebody took away from the second: emptied is not deleted on purpose", async () => {
    await rm(place.home.join("second", serverId), { recursive: true });
    const request = { serverId, backupId: null, repositoryId: second, tier: "whole" as const, subset: null };
    const verify = await place.request("verify", request, { serverId, repositoryId: second });
    expect((await place.endedAs(verify.id, "failed")).error?.message).toContain("no copy of a backup of orders");
    const run = await place.request("copy", { serverId, backupId: null, heal: false }, { serverId });
    expect(CopyResult.parse((await place.endedAs(run.id, "succeeded")).result).copied).toEqual([backupId]);
  });

  it("does not get back by itself what retention deleted in the second, but does when it is named", async () => {
    await rm(place.home.join("second", serverId, "backups", backupId));
    const about = { serverId, repositoryId: second };
    await place.metadata.copies.record({ ...about, presentIds: [], droppedIds: [backupId] });
    const all = await place.request("copy", { serverId, backupId: null, heal: false }, { serverId });
    expect(CopyResult.parse((await place.endedAs(all.id, "succeeded")).result).copied).toEqual([]);
    const one = await place.request("copy", { serverId, backupId, heal: false }, { serverId });
    expect(CopyResult.parse((await place.endedAs(one.id, "succeeded")).result)).toMatchObject({
      copied: [backupId],
      copiedPacks: 0,
    });
  });

  it("mends by itself a copy whose manifest cannot be read any more", async () => {
    const manifest = place.home.join("second", serverId, "backups", backupId);
    const bytes = await readFile(manifest);
    bytes.fill(0, 70, 90);
    await writeFile(manifest, bytes);
    const run = await place.request("copy", { serverId, backupId: null, heal: false }, { serverId });
    expect(CopyResult.parse((await place.endedAs(run.id, "succeeded")).result).copied).toEqual([backupId]);
  });

  it("gives back to the first what is lost there", async () => {
    const folder = place.home.join("first", serverId, "packs");
    const packs = await readdir(folder);
    const [pack = ""] = packs;
    await rm(join(folder, pack));
    const run = await place.request("copy", { serverId, backupId: null, heal: true }, { serverId });
    expect(CopyResult.parse((await place.endedAs(run.id, "succeeded")).result)).toMatchObject({ healedPacks: [pack] });
    expect(await readdir(folder)).toEqual(packs);
  });

  it("brings anew a copy that a verification found damaged, when asked to heal", async () => {
    const folder = place.home.join("second", serverId, "packs");
    const [pack = ""] = await readdir(folder);
    const bytes = await readFile(join(folder, pack));
    bytes.writeUInt8(bytes.readUInt8(5000) ^ 1, 5000);
    await chmod(join(folder, pack), 0o600);
    await writeFile(join(folder, pack), bytes);
    const verify = async () => {
      const request = { serverId, backupId: null, repositoryId: second, tier: "stored" as const, subset: null };
      return (await place.request("verify", request, { serverId, repositoryId: second })).id;
    };
    expect((await place.endedAs(await verify(), "failed")).error?.hint).toContain("backup copy orders --heal");
    const run = await place.request("copy", { serverId, backupId: null, heal: true }, { serverId });
    expect(CopyResult.parse((await place.endedAs(run.id, "succeeded")).result).replacedPacks).toEqual([pack]);
    await place.endedAs(await verify(), "succeeded");
  });

  it("is retained in both places by one policy, and holds keep the copies, too", async () => {
    await takeBackup();
    const newest = await takeBackup();
    await waitFor(
      async () => (await place.metadata.copies.ofServers([serverId])).find((row) => row.backupId === newest),
      { what: "the copy of the newest backup", timeoutMs: 60_000 },
    );
    const run = await place.request("retention", { serverId, planHash: null }, { serverId });
    await place.endedAs(run.id, "succeeded");
    const rows = await place.metadata.copies.ofServers([serverId]);
    // One is kept by the policy, one is held.
    expect(rows.filter(({ goneAt }) => goneAt === null).map((row) => row.backupId)).toEqual([backupId, newest]);
    const there = await readdir(place.home.join("second", serverId, "backups"));
    expect(there.sort()).toEqual([backupId, newest]);
  });

  it("is there again in a control plane with an empty database, with its backups and holds, and is restored", async () => {
    await using anew = await testWorkplace();
    await anew.start();
    const repositoryId = await attach(anew, "found", place.home.join("first"));
    const [server, ...more] = await anew.metadata.servers.all();
    expect(more).toEqual([]);
    const known = await place.metadata.servers.get(serverId);
    expect(server).toMatchObject({
      id: serverId,
      name: "orders",
      areaId: serverId,
      repositoryId,
      connection: "",
      systemIdentifier: known?.systemIdentifier,
      majorVersion: known?.majorVersion,
    });
    expect(await anew.metadata.offline.current([serverId])).toMatchObject([
      { reason: expect.stringContaining("no connection yet") },
    ]);
    const backups = await anew.metadata.backups.ofServer(serverId);
    expect(backups.length).toBe(2);
    expect(backups.find(({ id }) => id === backupId)).toMatchObject({
      id: backupId,
      state: "restorable",
      hold: { by: "ada", reason: "audit" },
    });

    // The copies in the second repository are this server's, too, and no server of their own.
    await attach(anew, "copies", place.home.join("second"));
    expect((await anew.metadata.servers.all()).length).toBe(1);

    const again = await anew.request("rebuild-catalog", { repositoryId }, { repositoryId });
    expect(RebuildCatalogResult.parse((await anew.endedAs(again.id, "succeeded")).result)).toEqual({
      addedServers: [],
      backups: 2,
      notes: [],
    });
    const targetDirectory = anew.home.join("restored");
    const wanted = { serverId, backupId, targetDirectory, tablespaces: [], owner: null, delta: false, databases: null };
    const planRun = await anew.request("restore-plan", wanted, { serverId });
    const plan = RestorePlanResult.parse((await anew.endedAs(planRun.id, "succeeded")).result);
    const request = { serverId, planRunId: planRun.id, planHash: plan.planHash };
    await anew.endedAs((await anew.request("restore", request, { serverId })).id, "succeeded");
    const inspection = await anew.request("inspect", { serverId, checkIds: null }, { serverId });
    expect((await anew.endedAs(inspection.id, "failed")).error?.code).toMatch(/^(server-offline|connection-missing)$/);
  });

  async function attach(where: TestWorkplace, name: string, folder: string): Promise<string> {
    const url = `file://${folder}`;
    const { id } = await where.metadata.repositories.create({ name, url, encrypted: false });
    const request = { repositoryId: id, url, encrypted: false, sealedKey: null };
    await where.endedAs((await where.request("attach-repository", request, { repositoryId: id })).id, "succeeded");
    return id;
  }

  async function takeBackup(): Promise<string> {
    const id = newId("backup");
    const { run } = await place.metadata.runs.create({
      kind: "backup",
      serverId,
      repositoryId: first,
      requestedBy: "user:test",
      backup: { id, serverId, repositoryId: first },
      request: { serverId, backupId: id, checkpoint: "fast", maxRateKib: null, label: null, drillAfter: false },
    });
    await place.queues.ring(run.id, run.kind);
    await place.endedAs(run.id, "succeeded");
    return id;
  }
});
