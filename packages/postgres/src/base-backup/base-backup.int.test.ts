import { chown, mkdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "@tidemark/kit";
import { majors, type TestServer, testServer, waitFor } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseDsn } from "../connection/dsn.ts";
import { parseBackupLabel } from "../files/backup-label.ts";
import { BackupManifestReader } from "../files/backup-manifest-reader.ts";
import { checkPages, pageChecksum } from "../files/page-checksum.ts";
import { parsePgControl } from "../files/pg-control.ts";
import { firstBlockOfFile, isRelationFile } from "../files/relation-file.ts";
import { parseTablespaceMap } from "../files/tablespace-map.ts";
import { walSegmentNames } from "../files/wal-segment.ts";
import { readDatabasesSize } from "../server/databases-size.ts";
import { readServerInfo } from "../server/server-info.ts";
import { readTablespaces } from "../server/tablespaces.ts";
import { ReplicationSession } from "../session/replication-session.ts";
import { SqlSession } from "../session/sql-session.ts";
import type { BaseBackupOptions } from "./base-backup-events.ts";
import { receiveBackup } from "./receive-backup.fixture.ts";

const options: BaseBackupOptions = { label: "it's a test", checkpoint: "fast", includeWal: true, progress: true };

describe.each(majors)("PostgreSQL %i", (major) => {
  let server: TestServer;
  const settings = (user = "postgres", password = server.password) => parseDsn(server.dsn({ user, password }));

  beforeAll(async () => {
    server = await testServer({
      major,
      tablespaces: ["aux"],
      settings: { max_wal_senders: 4, max_replication_slots: 2 },
    });
    await server.query("CREATE EXTENSION pageinspect");
    await server.query(
      "CREATE TABLE kept TABLESPACE aux AS SELECT g, repeat('x', 200) AS text FROM generate_series(1, 20000) g",
    );
    await server.query("CREATE TABLE big AS SELECT g, repeat('y', 500) AS text FROM generate_series(1, 80000) g");
    await server.query("CREATE ROLE streamer LOGIN REPLICATION PASSWORD 'streamer-password'");
    await server.query("CREATE ROLE plain LOGIN PASSWORD 'plain-password'");
    await server.query("CHECKPOINT");
    await putForeignFiles(server.dataDir);
  });

  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
  });

  it("sends a whole base backup to a role that may only replicate, and every byte is the manifest's", async () => {
    const session = await ReplicationSession.connect(settings("streamer", "streamer-password"));
    const identity = await session.identifySystem();
    await session.createTemporarySlot("tidemark_test");
    const backup = await receiveBackup(session.baseBackup(options));
    await session.close();

    const manifest = new BackupManifestReader();
    const listed = manifest.push(backup.manifest);
    const facts = manifest.finish();
    // Everything but the WAL itself; the marks in pg_wal/archive_status are listed.
    const covered = [...backup.files.keys()].filter((path) => !/^pg_wal\/[^/]+$/.test(path));
    expect(listed.map(({ path }) => Buffer.from(path).toString("latin1")).sort()).toEqual(covered.sort());
    for (const { path, sizeBytes, checksum } of listed) {
      const name = Buffer.from(path).toString("latin1");
      const received = backup.files.get(name);
      expect([name, received?.sizeBytes, received?.crc32c]).toEqual([name, sizeBytes, crcOf(checksum)]);
    }
    expect(facts.systemIdentifier).toBe(major >= 17 ? identity.systemIdentifier : null);
    expect(facts.walRanges).toEqual([{ timeline: 1, startLsn: backup.start.startLsn, endLsn: backup.end.stopLsn }]);

    const control = parsePgControl(backup.contents("global/pg_control"));
    expect(control).toMatchObject({
      major,
      systemIdentifier: identity.systemIdentifier,
      walLevel: "replica",
      timeline: 1,
    });
    expect(control.limits.maxWalSenders).toBe(4);
    expect(control.blockSizeBytes).toBe(8192);
    const label = parseBackupLabel(backup.contents("backup_label").toString());
    expect(label).toMatchObject({
      startLsn: backup.start.startLsn,
      label: options.label,
      takenFrom: "primary",
      startTimeline: 1,
    });
    const map = parseTablespaceMap(backup.contents("tablespace_map"));
    expect(map.map(({ oid, path }) => ({ oid, path: Buffer.from(path).toString() }))).toEqual(
      backup.start.tablespaces.map(({ oid, path }) => ({ oid, path })),
    );
    expect(backup.start.tablespaces[0]?.path).toContain("tablespace-aux");
    expect([...backup.files.keys()].some((path) => path.startsWith(`pg_tblspc/${map[0]?.oid}/PG_${major}_`))).toBe(
      true,
    );
    expect(backup.files.has("base/caf\xe9")).toBe(true);
    for (const folder of ["pg_wal", "pg_wal/archive_status", "pg_replslot"])
      expect(backup.directories).toContain(folder);
    const { startLsn } = backup.start;
    for (const segment of walSegmentNames(1, startLsn, backup.end.stopLsn, control.walSegmentSizeBytes)) {
      expect(backup.files.get(`pg_wal/${segment}`)?.sizeBytes).toBe(control.walSegmentSizeBytes);
    }
    expect(backup.doneBytes).toBeGreaterThan((backup.start.estimatedBytes ?? 0n) - (8n << 20n));
  });

  it("has right checksums on every page, and each flipped bit is found", async () => {
    const session = await ReplicationSession.connect(settings());
    const backup = await receiveBackup(
      session.baseBackup({ ...options, includeWal: false, progress: false }),
      isRelationFile,
    );
    await session.close();
    let pages = 0;
    for (const [path, { bytes }] of backup.files) {
      if (bytes === null) continue;
      pages += bytes.length / 8192;
      const check = { firstBlock: firstBlockOfFile(path), startLsn: backup.start.startLsn, blockSize: 8192 };
      expect(checkPages(bytes, check)).toEqual([]);
      if (bytes.length < 16_384) continue;
      bytes[8192 + 5000] = (bytes[8192 + 5000] as number) ^ 4;
      expect(checkPages(bytes, check)).toEqual([check.firstBlock + 1]);
    }
    expect(pages).toBeGreaterThan(6_000);
    expect(backup.start.estimatedBytes).toBeNull();
  });

  it("computes the page checksum the server computes", async () => {
    const [row] = await server.query<{ page: Buffer; checksum: number }>(
      "SELECT page, page_checksum(page, 7) AS checksum FROM (SELECT get_raw_page('kept', 7) AS page) AS p",
    );
    expect(pageChecksum(row?.page ?? Buffer.alloc(0), 7)).toBe((row?.checksum ?? 0) & 0xffff);
  });

  it("answers questions of a session and goes on after an error", async () => {
    const session = await ReplicationSession.connect(settings());
    expect(session.major).toBe(major);
    expect(await session.show("wal_segment_size")).toBe("16MB");
    expect(await session.timelineHistory(1)).toBeNull();
    await expect(session.timelineHistory(9)).rejects.toMatchObject({
      code: "server-error",
      context: { sqlState: "58P01" },
    });
    await expect(session.show("no_such_setting")).rejects.toMatchObject({ code: "server-error" });
    await session.createPhysicalSlot("kept_slot", { reserveWal: true });
    if (major >= 15) {
      expect(await session.readReplicationSlot("kept_slot")).toMatchObject({ kind: "physical", restartTimeline: 1 });
      expect(await session.readReplicationSlot("no_slot")).toBeNull();
    } else {
      await expect(session.readReplicationSlot("kept_slot")).rejects.toMatchObject({ code: "version-unsupported" });
    }
    await session.dropSlot("kept_slot");
    await session.close();
    await expect(session.identifySystem()).rejects.toMatchObject({ code: "internal" });
  });

  it("tells its facts to a plain role over SQL", async () => {
    const session = await SqlSession.connect(settings("plain", "plain-password"));
    const facts = await readServerInfo(session, { clock: systemClock });
    expect(facts).toMatchObject({
      major,
      inRecovery: false,
      isSuperuser: false,
      hasReplication: false,
      dataChecksums: true,
      walLevel: "replica",
      maxWalSenders: 4,
      usedWalSenders: 0,
      maxReplicationSlots: 2,
      usedReplicationSlots: 0,
      walSegmentSizeBytes: 16 << 20,
      blockSizeBytes: 8192,
      dataDirectoryMode: 0o700,
    });
    expect(await readTablespaces(session)).toMatchObject([
      { name: "aux", path: expect.stringContaining("tablespace-aux"), oid: expect.any(Number) },
    ]);
    expect(await readDatabasesSize(session)).toBeGreaterThan(1_000_000n);
    const replication = await ReplicationSession.connect(settings());
    expect(facts.systemIdentifier).toBe((await replication.identifySystem()).systemIdentifier);
    await replication.close();
    expect(await session.query("SELECT $1::int8 AS n, current_setting('search_path') AS p", [1n << 60n])).toEqual([
      { n: "1152921504606846976", p: "" },
    ]);
    await expect(session.query("SELECT pg_sleep(20)", [], { timeoutMs: 20 })).rejects.toMatchObject({
      code: "server-error",
    });
    await session.close();
  });

  it("refuses a wrong password, an unknown role and a role without REPLICATION, each with its code", async () => {
    for (const connect of [ReplicationSession.connect, SqlSession.connect]) {
      await expect(connect(settings("streamer", "wrong"))).rejects.toMatchObject({ code: "password-wrong" });
      await expect(connect(settings("nobody", "x"))).rejects.toMatchObject({ code: "password-wrong" });
      await expect(connect(parseDsn(server.dsn({ password: null })))).rejects.toMatchObject({
        code: "password-missing",
      });
    }
    await expect(ReplicationSession.connect(settings("plain", "plain-password"))).rejects.toMatchObject({
      code: "replication-not-permitted",
    });
    await server.query("CREATE ROLE asleep NOLOGIN REPLICATION PASSWORD 'x'");
    await server.query("CREATE ROLE crowded LOGIN REPLICATION CONNECTION LIMIT 0 PASSWORD 'x'");
    for (const connect of [ReplicationSession.connect, SqlSession.connect]) {
      await expect(connect(settings("asleep", "x"))).rejects.toMatchObject({ code: "role-unknown" });
    }
    await expect(SqlSession.connect(settings("crowded", "x"))).rejects.toMatchObject({ code: "too-many-connections" });
    await expect(SqlSession.connect(parseDsn(server.dsn({ database: "nowhere" })))).rejects.toMatchObject({
      code: "database-unknown",
    });
  });

  it("says when replication slots or WAL senders are used up", async () => {
    const sessions = await Promise.all(Array.from({ length: 4 }, () => ReplicationSession.connect(settings())));
    await expect(ReplicationSession.connect(settings())).rejects.toMatchObject({ code: "wal-senders-exhausted" });
    await sessions[0]?.createTemporarySlot("slot_1");
    await sessions[1]?.createTemporarySlot("slot_2");
    await expect(sessions[2]?.createTemporarySlot("slot_3")).rejects.toMatchObject({
      code: "replication-slots-exhausted",
    });
    const plain = await SqlSession.connect(settings("plain", "plain-password"));
    expect(await readServerInfo(plain, { clock: systemClock })).toMatchObject({
      usedWalSenders: 4,
      usedReplicationSlots: 2,
    });
    await plain.close();
    await Promise.all(sessions.map((session) => session.close()));
  });

  it("gives the server's own words when it fails in the middle", async () => {
    const unreadable = join(server.dataDir, "base", "unreadable");
    await writeFile(unreadable, "x", { mode: 0o000 });
    const session = await ReplicationSession.connect(settings());
    await expect(receiveBackup(session.baseBackup(options))).rejects.toMatchObject({
      code: "server-error",
      message: expect.stringContaining("base/unreadable"),
      context: { sqlState: "42501" },
    });
    await session.close();
    await rm(unreadable);
  });

  it("ends at once when cancelled, and the server stops what it did for it", async () => {
    await waitForNoSenders(server);
    const controller = new AbortController();
    const session = await ReplicationSession.connect(settings(), { signal: controller.signal });
    const backup = receiveBackup(
      session.baseBackup({ ...options, maxRateKib: 256 }),
      () => false,
      (event) => {
        if (event.kind === "file-data") controller.abort();
      },
    );
    await expect(backup).rejects.toMatchObject({ code: "cancelled" });
    await session.close();
    await waitForNoSenders(server);
  });

  it("can be cancelled while it waits for a spread checkpoint", async () => {
    await server.query("INSERT INTO big SELECT g, 'more' FROM generate_series(1, 50000) g");
    const controller = new AbortController();
    const session = await ReplicationSession.connect(settings(), { signal: controller.signal });
    const backup = receiveBackup(session.baseBackup({ ...options, checkpoint: "spread" }));
    const started = waitFor(
      async () => (await server.query("SELECT 1 FROM pg_stat_replication WHERE state = 'backup'")).length > 0,
      {
        what: "the backup's session",
      },
    ).then(() => controller.abort());
    await expect(backup).rejects.toMatchObject({ code: "cancelled" });
    await started;
    await session.close();
    await waitForNoSenders(server);
  });

  it("frees the server when the events are left early", async () => {
    const session = await ReplicationSession.connect(settings());
    for await (const event of session.baseBackup(options).events()) if (event.kind === "file-data") break;
    await session.close();
    await waitForNoSenders(server);
  });

  it("says that the session was lost when the server is killed in the middle, and that it is gone afterwards", async () => {
    const session = await ReplicationSession.connect(settings());
    let killed: Promise<void> | null = null;
    const backup = receiveBackup(
      session.baseBackup({ ...options, maxRateKib: 4096 }),
      () => false,
      (event) => {
        if (event.kind === "file-data") killed ??= server.kill();
      },
    );
    await expect(backup).rejects.toMatchObject({ code: "backup-session-lost" });
    await killed;
    await session.close();
    await expect(ReplicationSession.connect(settings())).rejects.toMatchObject({ code: "connection-refused" });
  });

  it("says so when the server runs with wal_level=minimal", async () => {
    await server.start({ settings: { wal_level: "minimal", max_wal_senders: 0 } });
    await expect(ReplicationSession.connect(settings())).rejects.toMatchObject({
      code: "wal-senders-exhausted",
      hint: expect.stringContaining("wal_level=minimal"),
    });
  });

  it("names the state when the server shuts down in the middle", async () => {
    await server.restart({ settings: { wal_level: "replica", max_wal_senders: 4 } });
    const session = await ReplicationSession.connect(settings());
    let stopped: Promise<void> | null = null;
    const backup = receiveBackup(
      session.baseBackup({ ...options, maxRateKib: 4096 }),
      () => false,
      (event) => {
        if (event.kind === "file-data") stopped ??= server.stop();
      },
    );
    await expect(backup).rejects.toMatchObject({ code: "backup-session-lost" });
    await stopped;
    await session.close();
  });
});

function crcOf(checksum: { readonly algorithm: string; readonly crc32c?: number } | null): number | undefined {
  return checksum?.crc32c;
}

async function waitForNoSenders(server: TestServer): Promise<void> {
  await waitFor(async () => (await server.query("SELECT 1 FROM pg_stat_replication")).length === 0, {
    what: "the server to end the replication sessions",
  });
}

/** Files people leave in a data directory; one with a name that is not UTF-8. */
async function putForeignFiles(dataDir: string): Promise<void> {
  const owner = await stat(dataDir);
  const path = Buffer.concat([Buffer.from(join(dataDir, "base/")), Buffer.from("caf\xe9", "latin1")]);
  await writeFile(path, "left here", { mode: 0o600 });
  await chown(path, owner.uid, owner.gid);
  const folder = join(dataDir, "left_folder");
  await mkdir(folder, { mode: 0o700 });
  await chown(folder, owner.uid, owner.gid);
}
