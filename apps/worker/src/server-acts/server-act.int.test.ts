import { type ServerAct, ServerActResult } from "@tidemark/jobs";
import { newId } from "@tidemark/kit";
import { newSealingKeys, openSealed, type SealingKeys } from "@tidemark/kit/sealed-text";
import { type TestServer, testServer, waitFor } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StartedWorker } from "../start-worker.ts";
import { everyRow, type TestWorkplace, testWorkplace } from "../test-worker.ts";

const password = "a-secret-nobody-may-find";
const fileSecret = "contents-nobody-may-find";

describe("acts at a server", () => {
  let place: TestWorkplace;
  let source: TestServer;
  let keys: SealingKeys;
  let serverId: string;
  let worker: StartedWorker;

  beforeAll(async () => {
    place = await testWorkplace();
    source = await testServer({ password, settings: { primary_conninfo: `host=other password=${fileSecret}` } });
    worker = await place.start({ inspectEveryMs: 0 });
    keys = await newSealingKeys();
    const repositoryId = await place.attachRepository();
    const server = await place.metadata.servers.register({
      name: "main",
      sealedDsn: await place.seal(source.dsn()),
      connection: "postgresql://u@h/d",
      repositoryId,
      policy: { create: { name: "p", keepLast: 1, windowDays: null, minimum: 1 } },
    });
    serverId = server.id;
  });

  afterAll(async () => {
    await place[Symbol.asyncDispose]();
    await source[Symbol.asyncDispose]();
  });

  it("close the WAL segment in use and name it, and say when there was nothing to close", async () => {
    await source.query("CREATE TABLE written AS SELECT 1");
    const [{ file } = {}] = await source.query("SELECT pg_walfile_name(pg_current_wal_lsn()) AS file");
    const first = await done({ kind: "switch-wal" });
    expect(first).toMatchObject({ kind: "switch-wal", closedFile: file, sentence: expect.stringContaining(`${file}`) });
    const second = await done({ kind: "switch-wal" });
    // Somebody's background writer may have logged a snapshot in between; nothing closed is said as such.
    if (second.kind === "switch-wal" && second.closedFile === null) expect(second.sentence).toContain("nothing");
  });

  it("checkpoint, and set a restore point that a restore can name", async () => {
    expect(await done({ kind: "checkpoint" })).toMatchObject({ timeline: 1 });
    const point = await done({ kind: "restore-point", name: "before the deploy" });
    expect(point).toMatchObject({ name: "before the deploy", lsn: expect.stringMatching(/^0\//) });
    expect(await failed({ kind: "restore-point", name: "ä".repeat(40) })).toBe("bad-request");
  });

  it("create a slot, show what dropping it would do, and drop only what was shown", async () => {
    expect(await done({ kind: "create-slot", name: "kept", reserveWal: true })).toMatchObject({
      name: "kept",
      restartLsn: expect.stringMatching(/\//),
    });
    expect(await failed({ kind: "create-slot", name: "kept", reserveWal: true })).toBe("slot-exists");
    expect(await failed({ kind: "plan-drop-slot", name: "other" })).toBe("slot-missing");
    const planned = await done({ kind: "plan-drop-slot", name: "kept" });
    if (planned.kind !== "plan-drop-slot") throw new Error("another result");
    expect(planned.plan).toMatchObject({ name: "kept", active: false, client: null, own: false });
    expect(planned.plan.consequences.length).toBeGreaterThan(0);
    expect(await failed({ kind: "drop-slot", name: "kept", planHash: "of nothing" })).toBe("plan-stale");
    expect(await source.query("SELECT 1 FROM pg_replication_slots")).toHaveLength(1);
    const dropped = await done({ kind: "drop-slot", name: "kept", planHash: planned.plan.planHash });
    expect(dropped).toMatchObject({ kind: "drop-slot", name: "kept" });
    expect(await source.query("SELECT 1 FROM pg_replication_slots")).toHaveLength(0);
  });

  it("read settings as SHOW prints them, name those that are not there, and mask what is secret", async () => {
    const names = ["wal_segment_size", "primary_conninfo", "no_such_setting"];
    const read = await done({ kind: "settings", names });
    if (read.kind !== "settings") throw new Error("another result");
    expect(read.missing).toEqual(["no_such_setting"]);
    expect(read.settings.find((setting) => setting.name === "wal_segment_size")).toMatchObject({ value: "16MB" });
    expect(read.settings.find((setting) => setting.name === "primary_conninfo")?.value).toContain("[secret]");
    const all = await done({ kind: "settings", names: null });
    expect(all.kind === "settings" ? all.settings.length : 0).toBeGreaterThan(300);
  });

  it("look at a file, and read a part of it for the asker alone", async () => {
    await source.query(`COPY (SELECT '${fileSecret}') TO '${source.dataDir}/note'`);
    const stat = await done({ kind: "file-stat", path: "note" });
    const sizeBytes = fileSecret.length + 1;
    expect(stat).toMatchObject({ isDirectory: false, sizeBytes: String(sizeBytes), createdAt: null });
    const read = (offset: number, lengthBytes: number) =>
      done({ kind: "read-file", path: "note", offset, lengthBytes, recipient: keys.publicKey });
    const part = await read(9, 7);
    if (part.kind !== "read-file") throw new Error("another result");
    expect(part).toMatchObject({ offset: 9, lengthBytes: 7, atEnd: false });
    const opened = Buffer.from((await openSealed(keys.privateKey, part.sealedBytes)).reveal(), "base64");
    expect(opened.toString()).toBe(fileSecret.slice(9, 16));
    expect(await read(0, sizeBytes)).toMatchObject({ lengthBytes: sizeBytes, atEnd: true });
    expect(await read(sizeBytes, 5)).toMatchObject({ lengthBytes: 0, atEnd: true });
    expect(await failed({ kind: "file-stat", path: "no/such/file" })).toBe("file-missing-on-server");
    const nobody = { kind: "read-file", path: "note", offset: 0, lengthBytes: 1, recipient: "nobody" } as const;
    expect(await failed(nobody)).toBe("bad-request");
  });

  it("end with their statement when they are cancelled or their worker stops, and say what is not known", async () => {
    const [{ pid } = {}] = await source.query("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'");
    const asked = "SELECT 1 FROM pg_stat_activity WHERE query = 'CHECKPOINT' AND state = 'active'";
    const begun = async () => {
      const run = await place.request("server-act", { serverId, act: { kind: "checkpoint" } }, { serverId });
      await waitFor(async () => (await source.query(asked)).length === 1, { what: "the checkpoint" });
      return run;
    };
    // A checkpoint waits for the checkpointer for as long as it takes.
    process.kill(Number(pid), "SIGSTOP");
    try {
      const cancelled = await begun();
      await place.metadata.runs.requestCancel(cancelled.id, "user:test", "it stops");
      await place.endedAs(cancelled.id, "cancelled");
      expect(await lastEvent(cancelled.id)).toContain("whether the server had done it already is not known");
      await waitFor(async () => (await source.query(asked)).length === 0, { what: "the statement's end" });
      const interrupted = await begun();
      await worker.stop(100);
      const { error } = await place.endedAs(interrupted.id, "interrupted");
      expect(error?.hint).toContain("whether the server had done it already is not known");
      await waitFor(async () => (await source.query(asked)).length === 0, { what: "the statement's end" });
    } finally {
      process.kill(Number(pid), "SIGCONT");
    }
  });

  it("are not done again when their worker died, and say that nobody knows whether they were done", async () => {
    const workerId = newId("worker");
    const dead = { id: workerId, hostname: "elsewhere", pid: 1, version: "0.1.0", restoreRoots: [] };
    await place.metadata.workers.register(dead);
    const begun = async (act: ServerAct) => {
      const request = { serverId, act };
      const { run } = await place.metadata.runs.create({
        kind: "server-act",
        request,
        serverId,
        requestedBy: "user:test",
      });
      await place.metadata.runs.claim(run.id, workerId);
      return run.id;
    };
    const runs = {
      slot: await begun({ kind: "create-slot", name: "unseen", reserveWal: true }),
      settings: await begun({ kind: "settings", names: null }),
    };
    await place.metadataServer.query(
      "UPDATE run SET heartbeat_at = heartbeat_at - interval '1 hour' WHERE finished_at IS NULL",
      [],
      { database: "tidemark" },
    );
    worker = await place.start({ inspectEveryMs: 0 });
    expect((await place.endedAs(runs.slot, "interrupted")).error?.hint).toContain(
      "whether the server did it is not known",
    );
    expect((await place.endedAs(runs.settings, "interrupted")).error?.hint).toContain("nothing was changed");
    await place.queues.ring(runs.slot, "server-act");
    await done({ kind: "settings", names: ["fsync"] });
    expect(await source.query("SELECT 1 FROM pg_replication_slots")).toEqual([]);
  });

  it("leave no session, no slot and no secret behind", async () => {
    const sessions = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'tidemark'";
    expect(await source.query(sessions)).toEqual([]);
    expect(await source.query("SELECT 1 FROM pg_replication_slots")).toEqual([]);
    const text = await everyRow(place);
    expect(text).toContain("before the deploy");
    expect(text).not.toContain(password);
    expect(text).not.toContain(fileSecret);
    expect(text).not.toContain(Buffer.from(fileSecret).toString("base64").slice(0, 20));
  });

  async function done(act: ServerAct): Promise<ServerActResult> {
    const run = await place.request("server-act", { serverId, act }, { serverId });
    return ServerActResult.parse((await place.endedAs(run.id, "succeeded")).result);
  }

  async function lastEvent(runId: string): Promise<string | undefined> {
    return (await place.metadata.runs.eventsAfter(runId, 0, 100)).at(-1)?.message;
  }

  async function failed(act: ServerAct): Promise<string | undefined> {
    const run = await place.request("server-act", { serverId, act }, { serverId });
    return (await place.endedAs(run.id, "failed")).error?.code;
  }
});
