import { majors, type TestServer, waitFor } from "@tidemark/testkit";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { parseDsn } from "../connection/dsn.ts";
import { formatLsn, type Lsn } from "../files/lsn.ts";
import { ReplicationSession } from "../session/replication-session.ts";
import { SqlSession } from "../session/sql-session.ts";
import { readArchiver } from "./archiver.ts";
import {
  asking,
  caughtUp,
  changeSettings,
  type FactServers,
  factServers,
  makeFactRoles,
} from "./fact-servers.fixture.ts";
import { readRecovery } from "./recovery.ts";
import { type ReplicationClient, readReplication } from "./replication.ts";
import { readSlot, readSlots, type Slot } from "./slots.ts";
import { readWalPosition } from "./wal-position.ts";

const mib = 1 << 20;

describe.each(majors)("WAL and replication of PostgreSQL %i", (major) => {
  let servers: FactServers;
  const closing: (() => Promise<void> | void)[] = [];

  beforeAll(async () => {
    servers = await factServers({
      major,
      settings: { wal_level: "logical", checkpoint_timeout: "1h", archive_mode: "on", archive_command: "true" },
    });
    const { primary } = servers;
    await makeFactRoles(primary);
    await primary.query("CREATE TABLE public.decoded (x int)");
    await primary.query("CREATE PUBLICATION everything FOR ALL TABLES");
    await primary.query("SELECT pg_create_physical_replication_slot('held', true)");
    await primary.query("SELECT pg_create_physical_replication_slot('fresh')");
    await primary.query("SELECT pg_create_logical_replication_slot('decoded', 'pgoutput')");
  });

  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  afterAll(async () => {
    await servers?.[Symbol.asyncDispose]();
  });

  it("tells standby, WAL receiver, base backup and logical client apart", async () => {
    const { primary } = servers;
    const position = await currentLsn(primary);
    closing.push(await streaming(primary, "receiver", `SLOT held PHYSICAL ${formatLsn(position)}`));
    const options = `("proto_version" '1', "publication_names" 'everything')`;
    closing.push(await streaming(primary, "decoder", `SLOT decoded LOGICAL 0/0 ${options}`));
    const backup = await ReplicationSession.connect(parseDsn(primary.dsn()));
    closing.push(() => backup.close());
    const stream = backup.baseBackup({
      label: "slow",
      checkpoint: "fast",
      includeWal: false,
      progress: false,
      maxRateKib: 32,
    });
    const events = stream.events()[Symbol.asyncIterator]();
    await events.next();
    await primary.query("INSERT INTO public.decoded SELECT 1");

    const clients = await waitFor(
      async () => {
        const found = await asking(primary, readReplication, "monitor");
        const isTold = found.length === 4 && found.every(({ kind }) => kind !== "unknown");
        return isTold && find(found, "standby").lagBytes === 0n ? found : undefined;
      },
      { what: "four clients" },
    );
    expect(clients.map(({ kind }) => kind).sort()).toEqual(["base-backup", "logical", "standby", "wal-receiver"]);
    const standby = find(clients, "standby");
    expect(standby).toMatchObject({
      user: "postgres",
      applicationName: "walreceiver",
      clientAddress: "127.0.0.1",
      clientPort: expect.any(Number),
      state: "streaming",
      syncState: "async",
      syncPriority: 0,
      slotName: null,
      repliedAt: expect.any(Date),
    });
    expect(standby.replayLsn).toBeGreaterThanOrEqual(position);
    expect(standby.replayLsn).toBeLessThanOrEqual(await currentLsn(primary));
    const receiver = find(clients, "wal-receiver");
    expect(receiver).toMatchObject({
      applicationName: "receiver",
      slotName: "held",
      replayLsn: null,
      state: "streaming",
    });
    expect(receiver.sentLsn).toBeGreaterThan(0n);
    expect(find(clients, "logical")).toMatchObject({ applicationName: "decoder", slotName: "decoded" });
    expect(find(clients, "base-backup")).toMatchObject({ state: "backup", lagBytes: null, slotName: null });

    const hidden = await asking(primary, readReplication, "plain");
    expect(hidden).toHaveLength(4);
    for (const client of hidden) {
      expect(client).toMatchObject({
        clientAddress: null,
        state: null,
        sentLsn: null,
        lagBytes: null,
        startedAt: null,
      });
    }
    // A slot tells any role which session uses it.
    expect(hidden.map(({ kind, slotName }) => `${kind} ${slotName}`).sort()).toEqual([
      "logical decoded",
      "unknown held",
      "unknown null",
      "unknown null",
    ]);
    await events.return?.();
  });

  it("tells what streams from a standby, and how far behind it is there", async () => {
    const { primary, standby } = servers;
    closing.push(await streaming(standby, "cascaded", `PHYSICAL ${formatLsn(await currentLsn(standby))}`));
    const idle = await ReplicationSession.connect(parseDsn(standby.dsn()));
    closing.push(() => idle.close());
    // A session holds as many temporary slots as it likes, and is one client all the same.
    for (const name of ["tidemark_first", "tidemark_second"]) await idle.createTemporarySlot(name);
    await primary.query("INSERT INTO public.decoded SELECT 2");
    const clients = await waitFor(
      async () => {
        const found = await asking(standby, readReplication);
        return found.length === 2 && found.some(({ kind }) => kind === "wal-receiver") ? found : undefined;
      },
      { what: "two clients of the standby" },
    );
    expect(find(clients, "wal-receiver").lagBytes).toBeGreaterThanOrEqual(0n);
    // A session that has asked for nothing yet.
    expect(find(clients, "unknown")).toMatchObject({ state: "startup", sentLsn: null, lagBytes: null });
  });

  it("gives every column of the slots that the major has", async () => {
    const { primary } = servers;
    const isOwn = (name: string): boolean => name === "held";
    const before = await currentLsn(primary);
    const slots = await asking(primary, (session) => readSlots(session, { isOwn }), "plain");
    const after = await currentLsn(primary);
    expect(slots.map(({ name, kind, own }) => `${name} ${kind} ${own}`)).toEqual([
      "decoded logical false",
      "fresh physical false",
      "held physical true",
    ]);
    const since = <T>(first: number, value: T): T | null => (major >= first ? value : null);
    const held = slots[2] as Slot;
    expect(held).toMatchObject({
      plugin: null,
      database: null,
      temporary: false,
      active: false,
      activePid: null,
      xmin: null,
      catalogXmin: null,
      confirmedFlushLsn: null,
      walStatus: "reserved",
      safeWalSizeBytes: null,
      twoPhase: since(14, false),
      twoPhaseAt: null,
      conflicting: null,
      inactiveSince: since(17, expect.any(Date)),
      invalidationReason: null,
      failover: since(17, false),
      synced: since(17, false),
    });
    expect(held.retainedBytes).toBeGreaterThanOrEqual(before - (held.restartLsn as bigint));
    expect(held.retainedBytes).toBeLessThanOrEqual(after - (held.restartLsn as bigint));
    expect(slots[1]).toMatchObject({ restartLsn: null, retainedBytes: null, walStatus: null });
    expect(slots[0]).toMatchObject({
      plugin: "pgoutput",
      database: "postgres",
      confirmedFlushLsn: expect.any(BigInt),
      catalogXmin: expect.any(String),
      conflicting: since(16, false),
    });
    // Every column of this server's view has a field of ours, but for the database's OID.
    const columns = await primary.query<{ name: string }>(
      "SELECT attname AS name FROM pg_attribute WHERE attrelid = 'pg_replication_slots'::regclass AND attnum > 0",
    );
    const unknown = columns.map(({ name }) => fieldOf(name)).filter((field) => !(field in held));
    expect(unknown).toEqual(["datoid"]);
    expect(await asking(primary, (session) => readSlot(session, "no such"))).toBeNull();
  });

  it("tells a temporary slot, and the slots of a standby", async () => {
    const { primary, standby } = servers;
    const session = await ReplicationSession.connect(parseDsn(primary.dsn()));
    closing.push(() => session.close());
    await session.createTemporarySlot("passing");
    expect(await asking(primary, (asker) => readSlot(asker, "passing"))).toMatchObject({
      temporary: true,
      active: true,
      activePid: expect.any(Number),
    });
    await standby.query("SELECT pg_create_physical_replication_slot('on_standby', true)");
    const slot = await asking(standby, (asker) => readSlot(asker, "on_standby"), "plain");
    expect(slot).toMatchObject({ name: "on_standby", walStatus: "reserved", synced: major >= 17 ? false : null });
    expect(slot?.retainedBytes).toBeGreaterThanOrEqual(0n);
    await standby.query("SELECT pg_drop_replication_slot('on_standby')");
  });

  it("names the file before a segment boundary, whatever the server itself would say", async () => {
    const { primary, standby } = servers;
    const session = await SqlSession.connect(parseDsn(primary.dsn()));
    const position = await waitFor(
      async () => {
        await session.query("SELECT pg_create_restore_point('something to close')");
        await session.query("SELECT pg_switch_wal()");
        const found = await readWalPosition(session);
        return found !== null && found.lsn % BigInt(mib) === 0n ? found : undefined;
      },
      { what: "a position on a segment boundary" },
    );
    const [raw] = await session.query<{ before: string; at: string }>(
      "SELECT pg_walfile_name($1::pg_lsn) AS before, pg_walfile_name($2::pg_lsn) AS at",
      [formatLsn((position.lsn - 1n) as Lsn), formatLsn(position.lsn)],
    );
    expect(position).toMatchObject({ fileName: raw?.before, fileOffset: mib, timeline: 1 });
    expect(raw?.at === raw?.before).toBe(major <= 16);
    await session.query("CREATE TABLE public.within (x int)");
    const within = await readWalPosition(session);
    expect(within?.fileOffset).toBe(Number((within?.lsn ?? 0n) % BigInt(mib)));
    await session.close();
    await caughtUp(servers);
    const replayed = await asking(standby, readWalPosition);
    expect(replayed).toMatchObject({ fileName: null, fileOffset: null, timeline: null });
    expect(replayed?.lsn).toBeGreaterThanOrEqual(within?.lsn ?? 0n);
  });

  it("says whether the archiver works, and that a standby's does not", async () => {
    const { primary, standby } = servers;
    const archiver = await settled(primary, (state) => state.archivedCount > 0n && state.failedCount === 0n);
    expect(archiver).toMatchObject({ mode: "on", command: "true", library: null, isArchiving: true });
    expect(archiver.lastArchivedWal).toMatch(/^[0-9A-F]{24}/);
    expect(archiver.lastArchivedAt).toBeInstanceOf(Date);
    expect(archiver.segmentsPerSecond).toBeGreaterThan(0);
    expect(archiver.statsResetAt).toBeInstanceOf(Date);
    await changeSettings(primary, { archive_command: "false" });
    const failed = await settled(primary, (state) => state.failedCount > 0n);
    expect(failed).toMatchObject({
      isArchiving: false,
      lastFailedWal: expect.any(String),
      lastFailedAt: expect.any(Date),
    });
    await changeSettings(primary, { archive_command: "true" });
    expect(await settled(primary, (state) => state.isArchiving)).toMatchObject({ isArchiving: true });
    expect(await asking(standby, readArchiver)).toMatchObject({ mode: "on", isArchiving: false, archivedCount: 0n });
    await standby.query("ALTER SYSTEM SET archive_mode = 'always'");
    await standby.restart();
    await settled(primary, ({ isArchiving }) => isArchiving);
    const always = await waitFor(
      async () => {
        const state = await asking(standby, readArchiver);
        return state.archivedCount > 0n ? state : undefined;
      },
      { what: "the standby's archiver" },
    );
    expect(always).toMatchObject({ mode: "always", isArchiving: true, failedCount: 0n });
  });

  it("tells how a standby follows, and what of it a plain role sees", async () => {
    const { primary, standby } = servers;
    expect(await asking(primary, (session) => readRecovery(session))).toBeNull();
    const recovery = await asking(standby, (session) => readRecovery(session), "monitor");
    expect(recovery).toMatchObject({
      isPaused: false,
      pauseState: major >= 14 ? "not paused" : null,
      receiver: { status: "streaming", senderHost: "127.0.0.1", senderPort: primary.port, slotName: null, timeline: 1 },
      minRecoveryTimeline: 1,
    });
    expect(recovery?.receivedLsn).toBe(recovery?.receiver?.flushedLsn);
    expect(recovery?.replayedLsn).toBeGreaterThan(0n);
    expect(recovery?.replayedAt).toBeInstanceOf(Date);
    expect(recovery?.receiver?.lastMessageReceivedAt).toBeInstanceOf(Date);
    const plain = await asking(standby, (session) => readRecovery(session), "plain");
    expect(plain).toMatchObject({ receiver: { pid: recovery?.receiver?.pid, status: null, senderHost: null } });
    await standby.query("SELECT pg_wal_replay_pause()");
    const paused = await waitFor(
      async () => {
        const state = await asking(standby, (session) => readRecovery(session));
        return state?.isPaused === true && state.pauseState !== "pause requested" ? state : undefined;
      },
      { what: "replay to be paused" },
    );
    expect(paused.pauseState).toBe(major >= 14 ? "paused" : null);
    await standby.query("SELECT pg_wal_replay_resume()");
  });

  it("tells how much a slot may still hold, and that it lost its WAL", async () => {
    const { primary } = servers;
    await changeSettings(primary, { max_slot_wal_keep_size: "3MB", min_wal_size: "2MB", max_wal_size: "2MB" });
    const limited = await asking(primary, (session) => readSlot(session, "held"));
    expect(limited?.safeWalSizeBytes).toBeLessThanOrEqual(5n * BigInt(mib));
    for (let closed = 0; closed < 6; closed++) {
      await primary.query("SELECT pg_switch_wal()");
      await primary.query("INSERT INTO public.decoded SELECT 3");
    }
    await primary.query("CHECKPOINT");
    const lost = await asking(primary, (session) => readSlot(session, "held"));
    expect(lost).toMatchObject({
      walStatus: "lost",
      retainedBytes: null,
      safeWalSizeBytes: null,
      invalidationReason: major >= 17 ? "wal_removed" : null,
    });
  });
});

/** Closes segments until the archiver's statistics are as wanted. */
async function settled(
  server: FactServers["primary"],
  isWanted: (state: Awaited<ReturnType<typeof readArchiver>>) => boolean,
) {
  return await asking(server, (session) =>
    waitFor(
      async () => {
        await session.query("SELECT pg_create_restore_point('for the archiver'), pg_switch_wal()");
        const state = await readArchiver(session);
        return isWanted(state) ? state : undefined;
      },
      { what: "the archiver", timeoutMs: 70_000 },
    ),
  );
}

function find(clients: readonly ReplicationClient[], kind: ReplicationClient["kind"]): ReplicationClient {
  const client = clients.find((it) => it.kind === kind);
  if (client === undefined) throw new Error(`no ${kind} among ${clients.map((it) => it.kind).join(", ")}`);
  return client;
}

async function currentLsn(server: TestServer): Promise<Lsn> {
  const position = await asking(server, readWalPosition);
  if (position === null) throw new Error("no position");
  return position.lsn;
}

/** The field that holds a column of pg_replication_slots. */
function fieldOf(column: string): string {
  const renamed: Record<string, string> = {
    slot_name: "name",
    slot_type: "kind",
    safe_wal_size: "safeWalSizeBytes",
  };
  return renamed[column] ?? column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** A client that asks for WAL and never says what became of it, as a bare WAL receiver. Returns how to end it. */
async function streaming(server: TestServer, name: string, what: string): Promise<() => void> {
  const config = {
    connectionString: server.dsn(),
    application_name: name,
    replication: what.includes("LOGICAL") ? "database" : "true",
  };
  const client = new pg.Client(config as pg.ClientConfig);
  client.on("error", () => undefined);
  await client.connect();
  // A standby of 13 or 14 learns its timeline by it (walsender.c, StartReplication).
  await client.query("IDENTIFY_SYSTEM");
  client.query(`START_REPLICATION ${what}`).catch(() => undefined);
  const { connection } = client as unknown as { readonly connection: { readonly stream: { destroy(): void } } };
  return () => connection.stream.destroy();
}
