import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { ConnectionReportResult, CopyResult, RestorePlanResult } from "@tidemark/jobs";
import { type Server, type WalReceiverRow, walSlotOf } from "@tidemark/metadata";
import { formatLsn, type Lsn, parseLsn } from "@tidemark/postgres";
import { type TestServer, testServer, waitFor } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StartedWorker } from "../start-worker.ts";
import { type TestWorkplace, testWorkplace } from "../test-worker.ts";
import { refreshWalFindings } from "./refresh-wal-findings.ts";

describe("WAL of servers that are streamed from", () => {
  let place: TestWorkplace;
  let source: TestServer;
  let worker: StartedWorker;
  let repositoryId: string;
  let server: Server;

  beforeAll(async () => {
    place = await testWorkplace();
    source = await testServer({
      walSegmentSizeMb: 1,
      settings: { max_wal_size: "2MB", min_wal_size: "2MB", wal_keep_size: 0 },
    });
    await source.query("CREATE TABLE note (id int GENERATED ALWAYS AS IDENTITY, text text)");
    worker = await place.start();
    repositoryId = await place.attachRepository();
    server = await addServer("main");
  });

  afterAll(async () => {
    await place[Symbol.asyncDispose]();
    await source[Symbol.asyncDispose]();
  });

  it("is received by whoever claimed the server, and told as it stands in the repository", async () => {
    await caughtUp();
    const lsn = await writeSegments(3);
    const row = await caughtUp(lsn);
    expect(row).toMatchObject({ workerId: worker.workerId, state: "streaming", timeline: 1, error: null });
    const segments = await waitFor(
      async () => {
        const rows = await place.metadata.wal.segments({ serverId: server.id, to: lsn });
        return (rows.at(-1)?.startLsn ?? 0n) + BigInt(1 << 20) >= lsn ? rows : null;
      },
      { what: "the rows of segments" },
    );
    expect(segments.at(-1)).toMatchObject({ repositoryId, timeline: 1, sizeBytes: 1 << 20, source: "stream" });
    expect(segments.reduce((sum, segment) => sum + (segment.commitCount ?? 0), 0)).toBeGreaterThanOrEqual(3);
    const slot = await waitFor(async () => (await receiver())?.slot, { what: "the look at the slot" });
    expect(slot.walStatus).toBe("reserved");
  });

  it("is received, stored and acknowledged on while the metadata is away, and told when it is back", async () => {
    const before = await caughtUp();
    await place.metadataServer.stop({ mode: "immediate" });
    const lsn = await writeSegments(3);
    await waitFor(async () => (await acknowledged()) >= lsn, { what: "the acknowledgement without metadata" });
    await place.metadataServer.start();
    const after = await caughtUp(lsn);
    expect([after.fence, after.reconnects]).toEqual([before.fence, before.reconnects]);
    const segments = await waitFor(
      async () => {
        const rows = await place.metadata.wal.segments({ serverId: server.id, from: before.flushedLsn ?? 0n, to: lsn });
        return (rows.at(-1)?.startLsn ?? 0n) + BigInt(1 << 20) >= lsn ? rows : null;
      },
      { what: "the rows of what came meanwhile" },
    );
    for (const [index, segment] of segments.slice(1).entries()) {
      expect(segment.startLsn).toBe((segments[index]?.startLsn ?? 0n) + BigInt(segment.sizeBytes));
    }
  });

  it("stands still while the server is offline, and goes on without a gap", async () => {
    await place.metadata.offline.setOffline({ serverId: server.id, by: "user:test", reason: "maintenance" });
    await waitFor(async () => (await receiver())?.state === "stopped", { what: "the end of the receiver" });
    await waitFor(async () => (await senders()) === 0, { what: "the end of its session" });
    const lsn = await writeSegments(2);
    await place.metadata.offline.setOnline({ serverId: server.id, by: "user:test", missed: { times: [], count: 0 } });
    await caughtUp(lsn);
    expect(await place.metadata.wal.gaps([server.id])).toEqual([]);
  });

  it("is taken over soon when a worker is killed, and by nobody while it lives", async () => {
    await worker.stop(1_000);
    expect(await receiver()).toMatchObject({ state: "stopped", workerId: null });
    const child = spawnWorker();
    const held = await waitFor(
      async () => {
        const row = await receiver();
        return row?.state === "streaming" ? row : null;
      },
      { what: "the other worker's receiver" },
    );
    worker = await place.start();
    const lsn = await writeSegments(2);
    expect((await caughtUp(lsn)).fence).toBe(held.fence);
    child.kill("SIGKILL");
    await once(child, "exit");
    const after = await writeSegments(2);
    await waitFor(async () => (await receiver())?.workerId === worker.workerId, {
      // The claim of the dead lasts six seconds.
      what: "the takeover",
    });
    const row = await caughtUp(after);
    expect(row.fence).toBeGreaterThan(held.fence);
    expect(await place.metadata.wal.gaps([server.id])).toEqual([]);
  });

  it("is divided: a worker has as many servers as it has room for, another one takes the rest and its share", async () => {
    await worker.stop(1_000);
    const second = await addCopy("second");
    const third = await addCopy("third");
    const all = [server.id, second.id, third.id];
    const holders = async () => {
      const rows = await place.metadata.walReceivers.ofServers(all);
      return rows.filter((row) => row.state === "streaming").map((row) => row.workerId);
    };
    worker = await place.start({ walReceivers: 2 });
    await waitFor(async () => (await holders()).length === 2, { what: "two of three servers" });
    const other = await place.start({ walReceivers: 1 });
    await waitFor(async () => (await holders()).includes(other.workerId) && (await holders()).length === 3, {
      what: "the third one at the other worker",
    });
    expect((await holders()).filter((workerId) => workerId === worker.workerId)).toHaveLength(2);
    await other.stop(1_000);
    for (const { id } of [second, third]) await place.metadata.servers.update(id, { walMode: "none" });
    await waitFor(async () => (await senders()) <= 1, { what: "the end of those that are not streamed from any more" });
    for (const one of [second, third]) {
      await source.query("SELECT pg_drop_replication_slot($1)", [walSlotOf(one)]);
      await place.metadata.servers.remove(one.id);
    }
    await caughtUp(await writeSegments(1));
  });

  it("that was lost for good is a gap with its cause; a backup begins by itself, and the window goes on behind it", async () => {
    const before = await caughtUp();
    await place.metadata.offline.setOffline({ serverId: server.id, by: "user:test", reason: "the slot goes" });
    await waitFor(async () => (await senders()) === 0, { what: "the end of the receiver" });
    await source.query("SELECT pg_drop_replication_slot($1)", [walSlotOf(server)]);
    for (let round = 0; round < 3; round++) {
      await writeSegments(4);
      await source.query("CHECKPOINT");
    }
    await place.metadata.offline.setOnline({ serverId: server.id, by: "user:test", missed: { times: [], count: 0 } });
    const gap = await waitFor(async () => (await place.metadata.wal.gaps([server.id]))[0], { what: "the gap" });
    expect(gap.fromLsn).toBeLessThanOrEqual(before.flushedLsn ?? 0n);
    expect(gap.toLsn).toBeGreaterThan(gap.fromLsn);
    expect(gap.cause).toMatch(/was dropped, and the server removed WAL/);
    const runId = await waitFor(async () => (await place.metadata.wal.gaps([server.id]))[0]?.runId, {
      what: "the backup that begins by itself",
    });
    const findings = async () => {
      await refreshWalFindings(place);
      return (await place.metadata.findings.open([server.id])).filter(({ checkId }) => checkId === "wal-gap");
    };
    const [finding] = await findings();
    const [early] = await place.metadata.backups.latestRestorable([server.id]);
    // Whoever looked before that backup can be restored has found the gap.
    if ((early?.startLsn ?? 0n) < gap.toLsn) expect(finding?.found).toContain(gap.cause);
    await place.endedAs(runId, "succeeded");
    expect(await findings()).toEqual([]);
    const [backup] = await place.metadata.backups.latestRestorable([server.id]);
    expect(backup?.startLsn).toBeGreaterThanOrEqual(gap.toLsn);
    const lsn = await writeSegments(2);
    await caughtUp(lsn);
    const behind = await waitFor(
      async () => {
        const rows = await place.metadata.wal.segments({ serverId: server.id, from: backup?.startLsn ?? 0n, to: lsn });
        return (rows.at(-1)?.startLsn ?? 0n) + BigInt(1 << 20) >= lsn ? rows : null;
      },
      { what: "the rows behind the gap" },
    );
    expect(behind[0]?.startLsn).toBeLessThanOrEqual(backup?.startLsn ?? 0n);
    for (const [index, segment] of behind.slice(1).entries()) {
      expect(segment.startLsn).toBe((behind[index]?.startLsn ?? 0n) + BigInt(segment.sizeBytes));
    }
    // What lies in it is refused with the nearest instant that can be had; what lies behind it is there.
    const within = await planned((gap.fromLsn + gap.toLsn) / 2n);
    expect(within.ok).toBe(false);
    expect(within.checks.find(({ id }) => id === "target")).toMatchObject({
      state: "failed",
      sentence: expect.stringMatching(/cannot be reached.*(first|next) one after it is/),
    });
    expect(await planned(lsn)).toMatchObject({ ok: true, backupId: backup?.id });
  });

  it("goes by retention when no kept backup needs it, and the rows with it", async () => {
    const [backup] = await place.metadata.backups.latestRestorable([server.id]);
    const run = await place.request("retention", { serverId: server.id, planHash: null }, { serverId: server.id });
    await place.endedAs(run.id, "succeeded");
    const rows = await place.metadata.wal.segments({ serverId: server.id });
    const first = rows[0]?.startLsn ?? 0n;
    expect(first).toBeLessThanOrEqual(backup?.startLsn ?? 0n);
    expect(first + BigInt(1 << 20)).toBeGreaterThan(backup?.startLsn ?? 0n);
    await caughtUp(await writeSegments(1));
  });

  it("is copied to a second repository: what was there by a copy run, what comes then as it comes", async () => {
    const url = `file://${place.home.join("second")}`;
    const { id: secondId } = await place.metadata.repositories.create({ name: "second", url, encrypted: true });
    const attach = { repositoryId: secondId, url, encrypted: true, sealedKey: null };
    const attached = await place.request("attach-repository", attach, { repositoryId: secondId });
    await place.endedAs(attached.id, "succeeded");
    const before = await caughtUp(await writeSegments(2));
    await place.metadata.servers.update(server.id, { copyToId: secondId });
    const request = { serverId: server.id, backupId: null, heal: false };
    const copied = await place.request("copy", request, { serverId: server.id, repositoryId: secondId });
    const result = CopyResult.parse((await place.endedAs(copied.id, "succeeded")).result);
    expect(result.failed).toEqual([]);
    expect(result.copiedWalSegments).toBeGreaterThan(0);
    const [backup] = await place.metadata.backups.latestRestorable([server.id]);
    const placesIn = async (repositoryId: string, to: bigint) =>
      (await place.metadata.wal.segments({ serverId: server.id, repositoryId, from: backup?.startLsn ?? 0n, to })).map(
        (row) => row.startLsn,
      );
    const until = before.flushedLsn ?? 0n;
    expect(await placesIn(secondId, until)).toEqual(await placesIn(repositoryId, until));
    const lsn = await writeSegments(2);
    await caughtUp(lsn);
    await waitFor(async () => ((await placesIn(secondId, lsn)).at(-1) ?? 0n) + BigInt(1 << 20) >= lsn, {
      what: "the copies of what came then",
    });
  });

  async function receiver(): Promise<WalReceiverRow | undefined> {
    return (await place.metadata.walReceivers.ofServers([server.id]))[0];
  }

  async function planned(lsn: bigint): Promise<RestorePlanResult> {
    const target = { kind: "lsn", lsn: formatLsn(lsn as Lsn), inclusive: false } as const;
    const request = {
      serverId: server.id,
      backupId: null,
      targetDirectory: place.home.join("never"),
      tablespaces: [],
      owner: null,
      recovery: { target },
    };
    const run = await place.request("restore-plan", request, { serverId: server.id });
    return RestorePlanResult.parse((await place.endedAs(run.id, "succeeded")).result);
  }

  /** Everything up to there (or what the server has written now) is durable, and the row says so. */
  async function caughtUp(lsn?: bigint): Promise<WalReceiverRow> {
    const until = lsn ?? (await currentLsn());
    return await waitFor(
      async () => {
        const row = await receiver();
        return row?.state === "streaming" && (row.flushedLsn ?? 0n) >= until ? row : null;
      },
      { what: "the receiver to be caught up" },
    );
  }

  async function currentLsn(): Promise<bigint> {
    const [row] = await source.query<{ lsn: string }>("SELECT pg_current_wal_flush_lsn()::text AS lsn");
    return parseLsn(row?.lsn ?? "0/0");
  }

  /** Closes so many segments, each with a commit in it; gives where the last one ends. */
  async function writeSegments(count: number): Promise<bigint> {
    let lsn = 0n;
    for (let index = 0; index < count; index++) {
      await source.query("INSERT INTO note (text) VALUES ('x')");
      const [row] = await source.query<{ lsn: string }>("SELECT pg_switch_wal()::text AS lsn");
      lsn = parseLsn(row?.lsn ?? "0/0");
    }
    return lsn;
  }

  async function acknowledged(): Promise<bigint> {
    const [row] = await source.query<{ lsn: string }>("SELECT max(flush_lsn)::text AS lsn FROM pg_stat_replication");
    return parseLsn(row?.lsn ?? "0/0");
  }

  async function senders(): Promise<number> {
    const [row] = await source.query<{ count: string }>(
      "SELECT count(*) FROM pg_stat_replication WHERE application_name LIKE 'tidemark_%'",
    );
    return Number(row?.count);
  }

  function spawnWorker(): ChildProcess {
    return spawn(process.execPath, [fileURLToPath(new URL("../main.ts", import.meta.url))], {
      env: {
        PATH: process.env.PATH,
        DATABASE_URL: place.settings.databaseUrl.reveal(),
        TIDEMARK_HOME: place.home.path,
        FRAME_THREADS: "1",
      },
      stdio: ["ignore", "ignore", process.env.TEST_LOG === undefined ? "ignore" : "inherit"],
    });
  }

  async function addServer(name: string): Promise<Server> {
    const run = await place.request("connection-test", {
      serverId: null,
      sealedDsn: await place.seal(source.dsn()),
      intent: {
        kind: "add-server",
        name,
        repositoryId,
        policyId: null,
        retention: {
          keepLast: 1,
          windowDays: null,
          daily: null,
          weekly: null,
          monthly: null,
          yearly: null,
          timeZone: "UTC",
          minimum: 1,
        },
        schedules: [],
        sameSystemAs: null,
        firstBackup: false,
        isDemo: false,
        walMode: "stream",
      },
    });
    const id = ConnectionReportResult.parse((await place.endedAs(run.id, "succeeded")).result).serverId ?? "";
    const added = await place.metadata.servers.get(id);
    if (added === null) throw new Error("the server was not added");
    return added;
  }

  /** The same cluster once more, with a slot and an area of its own. */
  async function addCopy(name: string): Promise<Server> {
    return await place.metadata.servers.register({
      name,
      sealedDsn: await place.seal(source.dsn()),
      connection: "postgresql://copy",
      repositoryId,
      policy: { id: server.policyId },
      walMode: "stream",
    });
  }
});
