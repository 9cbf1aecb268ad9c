import { AppError, systemClock } from "@tidemark/kit";
import { createLogger } from "@tidemark/kit/logger";
import { faultProxy, standbyOf, type TestServer, testServer, waitFor } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ConnectionSettings } from "../connection/connection-settings.ts";
import { parseDsn } from "../connection/dsn.ts";
import { parseTablespaceMap } from "../files/tablespace-map.ts";
import { SqlSession } from "../session/sql-session.ts";
import { type BackgroundSwitchOptions, switchWalInBackground } from "./background-switch.ts";
import { BackupSession } from "./backup-session.ts";

const request = { label: "session", fast: true, heartbeatMs: 200 };
const silent = createLogger({ name: "test", level: "silent" });

let primary: TestServer;
let standby: TestServer;

beforeAll(async () => {
  // Nothing is ever archived on the primary; the standby archives what its primary has closed.
  primary = await testServer({ major: 18, settings: { archive_mode: "on", archive_command: "false" } });
  standby = await standbyOf(primary);
  await standby.query("ALTER SYSTEM SET archive_mode = 'always'");
  await standby.query("ALTER SYSTEM SET archive_command = 'true'");
  await standby.restart();
});

afterAll(async () => {
  await standby?.[Symbol.asyncDispose]();
  await primary?.[Symbol.asyncDispose]();
});

function settingsOf(server: TestServer, port = server.port): ConnectionSettings {
  return {
    ...parseDsn(server.dsn()),
    hosts: [{ host: "127.0.0.1", hostAddress: null, port }],
    applicationName: "backup",
  };
}

async function startOn(server: TestServer, port?: number): Promise<BackupSession> {
  return await BackupSession.start(await SqlSession.connect(settingsOf(server, port)), request);
}

async function backupSessions(server: TestServer): Promise<number> {
  return (await server.query("SELECT FROM pg_stat_activity WHERE application_name = 'backup'")).length;
}

/** Brings the standby's end of a backup into a segment its primary has not closed yet. */
async function openSegmentOnStandby(): Promise<void> {
  await primary.query("CREATE TABLE IF NOT EXISTS rows AS SELECT generate_series(1, 1000)");
  await primary.query("CHECKPOINT");
  const [row] = await primary.query<{ lsn: string }>("SELECT pg_current_wal_lsn() AS lsn");
  await waitFor(
    async () => {
      const [standing] = await standby.query("SELECT pg_last_wal_replay_lsn() >= $1 AS caught_up", [row?.lsn]);
      return standing?.caught_up === true;
    },
    { what: "the standby to replay" },
  );
  await standby.query("CHECKPOINT");
}

describe("a backup's session", () => {
  it("that the server ends is told as lost at once, and the backup cannot be stopped", async () => {
    const backup = await startOn(primary);
    await primary.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'backup'");
    await expect(backup.lost).rejects.toMatchObject({ code: "backup-session-lost", retry: "now" });
    await expect(backup.stop({ waitForArchive: false, timeoutMs: 5_000 })).rejects.toMatchObject({
      code: "backup-session-lost",
    });
    await backup.abandon();
  });

  it.each(["reset", "stalled"])(
    "is lost within a heartbeat on a line that is %s, and nothing reconnects",
    async (how) => {
      await using proxy = await faultProxy({ host: "127.0.0.1", port: primary.port });
      const backup = await startOn(primary, proxy.port);
      if (how === "reset") proxy.resetAll();
      else proxy.setFaults({ stallAfterBytes: 1 });
      const lostAt = backup.lost.catch((error: unknown) => ({ error, atMs: systemClock.monotonicMs() }));
      const brokenMs = systemClock.monotonicMs();
      const { error, atMs } = (await lostAt) as { error: unknown; atMs: number };
      expect(error).toMatchObject({ code: "backup-session-lost" });
      // One interval; the rest is for a machine that is busy.
      expect(atMs - brokenMs).toBeLessThan(request.heartbeatMs + 6_000);
      await backup.abandon();
      await waitFor(async () => (await backupSessions(primary)) === 0, { what: "the server to end the session" });
    },
  );

  it("outlives the server's idle timeouts and gets them back", async () => {
    const sql = await SqlSession.connect(settingsOf(primary));
    await sql.query("SELECT set_config('idle_session_timeout', '60001', false)");
    const timeout = (): Promise<object[]> => sql.query("SELECT current_setting('idle_session_timeout') AS value");
    const backup = await BackupSession.start(sql, request);
    expect(await timeout()).toEqual([{ value: "0" }]);
    await backup.stop({ waitForArchive: false, timeoutMs: 30_000 });
    expect(await timeout()).toEqual([{ value: "60001ms" }]);
    // A start that is refused leaves them as they were too.
    await expect(BackupSession.start(sql, { ...request, label: "two\nlines" })).rejects.toMatchObject({
      code: "bad-request",
    });
    expect(await timeout()).toEqual([{ value: "60001ms" }]);
    await sql.close();
  });

  it("is ended when the archive takes longer than the stop may, on the server too", async () => {
    const backup = await startOn(primary);
    const stopping = backup.stop({ waitForArchive: true, timeoutMs: 300 });
    await expect(stopping).rejects.toMatchObject({
      code: "backup-session-lost",
      hint: expect.stringMatching("archive"),
    });
    await waitFor(async () => (await backupSessions(primary)) === 0, { what: "the server to end the session" });
  });

  it("that is cancelled says cancelled, not lost", async () => {
    const controller = new AbortController();
    const sql = await SqlSession.connect(settingsOf(primary), { signal: controller.signal });
    const backup = await BackupSession.start(sql, request);
    controller.abort(new AppError("cancelled", { message: "enough" }));
    await expect(backup.lost).rejects.toMatchObject({ code: "cancelled" });
    await backup.abandon();
  });
});

describe("switching WAL in the background", () => {
  const options = (more: Partial<BackgroundSwitchOptions> = {}): BackgroundSwitchOptions => ({
    connect: (signal) => SqlSession.connect(settingsOf(primary), { signal }),
    clock: systemClock,
    logger: silent,
    firstWaitMs: 10,
    intervalMs: 50,
    checkpointAfterMs: 400,
    statementMs: 5_000,
    ...more,
  });

  it("lets a standby's backup end though its primary is idle", async () => {
    await openSegmentOnStandby();
    const backup = await startOn(standby);
    const switches = switchWalInBackground(options());
    const stopped = await backup.stop({ waitForArchive: true, timeoutMs: 60_000 });
    const report = await switches.stop();
    expect(stopped.label.takenFrom).toBe("standby");
    expect(report.error).toBeNull();
    expect(report.closedFiles.length).toBeGreaterThan(0);
    await backup.abandon();
    await waitFor(async () => (await backupSessions(primary)) === 0, { what: "its session to end" });
  });

  it("ends by itself after the checkpoint, which closes a segment on an idle primary too", async () => {
    let connections = 0;
    const switches = switchWalInBackground(
      options({
        checkpointAfterMs: 0,
        connect: (signal) => {
          connections++;
          return SqlSession.connect(settingsOf(primary), { signal });
        },
      }),
    );
    expect(await switches.ended).toMatchObject({ checkpointed: true, closedFiles: [expect.any(String)], error: null });
    expect(connections).toBe(1);
    expect(await backupSessions(primary)).toBe(0);
  });

  it("stops at once while it waits for its first or its next switch", async () => {
    const early = switchWalInBackground(options({ firstWaitMs: 3_600_000 }));
    expect(await early.stop()).toEqual({ closedFiles: [], checkpointed: false, error: null });
    let connections = 0;
    const later = switchWalInBackground(
      options({
        intervalMs: 3_600_000,
        connect: (signal) => {
          connections++;
          return SqlSession.connect(settingsOf(primary), { signal });
        },
      }),
    );
    await waitFor(() => connections === 1, { what: "the first switch" });
    await later.stop();
    await later.stop();
    await waitFor(async () => (await backupSessions(primary)) === 0, { what: "its session to end" });
  });

  it("stops at once while the primary does not answer", async () => {
    const deaf = switchWalInBackground(options({ connect: () => new Promise(() => undefined) }));
    expect((await deaf.stop()).error).toBeNull();
    await using proxy = await faultProxy({ host: "127.0.0.1", port: primary.port });
    let asked = false;
    const stalled = switchWalInBackground(
      options({
        connect: async (signal) => {
          const sql = await SqlSession.connect(settingsOf(primary, proxy.port), { signal });
          proxy.setFaults({ stallAfterBytes: 1 });
          asked = true;
          return sql;
        },
      }),
    );
    await waitFor(() => asked, { what: "the stalled switch" });
    await stalled.stop();
    await waitFor(async () => (await backupSessions(primary)) === 0, { what: "the session to end" });
  });

  it("reports a primary that is lost and tries again, and gives up on what stays impossible", async () => {
    await using proxy = await faultProxy({ host: "127.0.0.1", port: primary.port }, { refuse: true });
    let attempts = 0;
    const connect = (signal: AbortSignal): Promise<SqlSession> => {
      if (++attempts === 3) proxy.setFaults({});
      return SqlSession.connect(settingsOf(primary, proxy.port), { signal });
    };
    const lost = switchWalInBackground(options({ connect, checkpointAfterMs: 0 }));
    expect(await lost.ended).toMatchObject({ checkpointed: true, error: null });
    expect(attempts).toBe(3);

    let asked = 0;
    const onStandby = switchWalInBackground(
      options({
        connect: (signal) => {
          asked++;
          return SqlSession.connect(settingsOf(standby), { signal });
        },
      }),
    );
    expect((await onStandby.ended).error).toMatchObject({ code: "server-in-recovery" });
    expect(asked).toBe(1);
  });
});

it("a tablespace's path comes byte for byte", async () => {
  const path = await primary.createTablespace("tä b\\s");
  const backup = await startOn(primary);
  const stopped = await backup.stop({ waitForArchive: false, timeoutMs: 30_000 });
  await backup.abandon();
  const [entry, ...others] = parseTablespaceMap(stopped.tablespaceMap);
  expect(Buffer.from(entry?.path ?? []).toString("utf8")).toBe(path);
  expect(others).toEqual([]);
});
