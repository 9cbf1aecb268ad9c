import { systemClock } from "@tidemark/kit";
import { createLogger } from "@tidemark/kit/logger";
import { type TestServer, waitFor } from "@tidemark/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parseDsn } from "../connection/dsn.ts";
import { parseTablespaceMap } from "../files/tablespace-map.ts";
import { walSegmentName } from "../files/wal-segment.ts";
import type { ServerPair } from "../privileges/expected-results.fixture.ts";
import { SqlSession } from "../session/sql-session.ts";
import { switchWalInBackground } from "./background-switch.ts";
import { BackupSession } from "./backup-session.ts";
import { createRestorePoint } from "./create-restore-point.ts";
import { createSlot } from "./create-slot.ts";
import { dropSlot } from "./drop-slot.ts";
import { readExclusiveBackup, startExclusiveBackup, stopExclusiveBackup } from "./exclusive-backup.ts";
import { startBackup } from "./low-level-backup.ts";
import { planSlotDrop } from "./plan-slot-drop.ts";
import { runCheckpoint } from "./run-checkpoint.ts";
import { switchWal } from "./switch-wal.ts";

const segmentSizeBytes = 1024 * 1024;

/** The acts on a pair of servers with WAL segments of 1 MiB. The last of them promotes the standby. */
export function proveActs(major: number, pair: () => ServerPair): void {
  let primary: TestServer;
  let standby: TestServer;
  let session: SqlSession;
  let onStandby: SqlSession;

  beforeAll(async () => {
    ({ primary, standby } = pair());
    session = await SqlSession.connect(parseDsn(primary.dsn()));
    onStandby = await SqlSession.connect(parseDsn(standby.dsn()));
  });

  afterAll(async () => {
    await onStandby?.close();
    await session?.close();
  });

  it("a switch names the segment it closed, and says when there was nothing to close", async () => {
    for (const message of ["a", "b"]) {
      const [before] = await primary.query<{ name: string }>(
        "SELECT pg_walfile_name(pg_logical_emit_message(false, 'test', $1)) AS name",
        [message],
      );
      const closed = await switchWal(session);
      expect(closed.closedFile).toBe(before?.name);
      expect(closed.timeline).toBe(1);
    }
    // Whatever the server itself writes meanwhile, the switch after that finds nothing.
    const idle = await waitFor(async () => [await switchWal(session)].find(({ closedFile }) => closedFile === null), {
      what: "a switch with nothing to close",
    });
    expect(idle.lsn % BigInt(segmentSizeBytes)).toBe(0n);
    await expect(switchWal(onStandby)).rejects.toMatchObject({ code: "server-in-recovery" });
  });

  it("switches in the background end with a checkpoint and a closed segment", async () => {
    const report = await switchWalInBackground({
      connect: (signal) => SqlSession.connect(parseDsn(primary.dsn()), { signal }),
      clock: systemClock,
      logger: createLogger({ name: "test", level: "silent" }),
      firstWaitMs: 1,
      checkpointAfterMs: 0,
    }).ended;
    expect(report).toMatchObject({ checkpointed: true, closedFiles: [expect.any(String)], error: null });
  });

  it("a checkpoint and a restore point tell where they are", async () => {
    const first = await runCheckpoint(session);
    const point = await createRestorePoint(session, "ü".repeat(31));
    const second = await runCheckpoint(session);
    expect(first).toMatchObject({ timeline: 1, isRestartpoint: false });
    expect(point.lsn > first.lsn && second.lsn >= point.lsn && second.redoLsn <= second.lsn).toBe(true);
    await expect(createRestorePoint(session, "ü".repeat(32))).rejects.toMatchObject({ code: "bad-request" });
    await expect(createRestorePoint(onStandby, "x")).rejects.toMatchObject({ code: "server-in-recovery" });
    await waitFor(async () => (await runCheckpoint(onStandby)).lsn >= first.lsn, { what: "a restartpoint" });
    expect((await runCheckpoint(onStandby)).isRestartpoint).toBe(true);
  });

  it("slots are created and dropped on primary and standby, each refusal with its code", async () => {
    for (const sql of [session, onStandby]) {
      const slot = await createSlot(sql, { name: "ours", reserveWal: true });
      expect(slot.restartLsn).not.toBeNull();
      await expect(createSlot(sql, { name: "ours", reserveWal: true })).rejects.toMatchObject({ code: "slot-exists" });
      const plan = await planSlotDrop(sql, "ours", { isOwn: (name) => name === "ours" });
      expect(plan).toMatchObject({ active: false, client: null, own: true, restartLsn: slot.restartLsn });
      expect(await dropSlot(sql, plan)).toEqual({ name: "ours", endedPid: null });
      await expect(dropSlot(sql, plan)).rejects.toMatchObject({ code: "slot-missing" });
    }
    expect((await createSlot(session, { name: "later", reserveWal: false })).restartLsn).toBeNull();
    await dropSlot(session, await planSlotDrop(session, "later"));
    await expect(createSlot(session, { name: "Nicht", reserveWal: false })).rejects.toMatchObject({
      code: "bad-request",
    });
  });

  it("a low-level backup of the primary tells its label, its WAL and its tablespaces", async () => {
    const sql = await SqlSession.connect(parseDsn(primary.dsn()));
    const backup = await BackupSession.start(sql, { label: "wöchentlich", fast: true });
    expect(backup.started).toMatchObject({ timeline: 1, fromStandby: false, major });
    await expect(startBackup(sql, { label: "second", fast: true })).rejects.toMatchObject({
      code: "backup-already-running",
    });
    const stopped = await backup.stop({ waitForArchive: true, timeoutMs: 30_000 });
    expect(stopped.stopLsn > backup.started.startLsn).toBe(true);
    expect(stopped.timeline).toBe(1);
    expect(stopped.label).toMatchObject({
      startLsn: backup.started.startLsn,
      startWalFile: walSegmentName(1, backup.started.startLsn, segmentSizeBytes),
      method: "streamed",
      takenFrom: "primary",
      label: "wöchentlich",
      startTimeline: 1,
    });
    expect(stopped.labelText).toContain(major === 13 ? "BACKUP FROM: master" : "BACKUP FROM: primary");
    expect(parseTablespaceMap(stopped.tablespaceMap)).toEqual([]);
    expect(stopped.stoppedAt.getTime()).toBeGreaterThanOrEqual(backup.started.startedAt.getTime());
    // The session is the caller's again.
    expect(await sql.query("SELECT current_setting('client_encoding') AS encoding")).toEqual([{ encoding: "UTF8" }]);
    await sql.close();
  });

  it("an exclusive backup is taken on 13 and 14, one left behind is found, and 15 says why not", async () => {
    const request = { label: "exclusive", fast: true };
    if (major >= 15) {
      expect(await readExclusiveBackup(session)).toBeNull();
      await expect(startExclusiveBackup(session, request)).rejects.toMatchObject({ code: "version-unsupported" });
      await expect(stopExclusiveBackup(session, { waitForArchive: false })).rejects.toThrow(/went with 15/);
      return;
    }
    await expect(stopExclusiveBackup(session, { waitForArchive: false })).rejects.toMatchObject({
      code: "bad-request",
    });
    await expect(startExclusiveBackup(onStandby, request)).rejects.toMatchObject({ code: "server-in-recovery" });
    const starter = await SqlSession.connect(parseDsn(primary.dsn()));
    const start = await startExclusiveBackup(starter, request);
    await starter.close();
    expect(start.walFile).toBe(walSegmentName(1, start.lsn, segmentSizeBytes));
    expect((await readExclusiveBackup(session))?.startedAt).toBeInstanceOf(Date);
    await expect(startExclusiveBackup(session, request)).rejects.toMatchObject({ code: "backup-already-running" });
    const end = await stopExclusiveBackup(session, { waitForArchive: false });
    expect(end.lsn > start.lsn).toBe(true);
    expect(await readExclusiveBackup(session)).toBeNull();
  });

  it("a backup of the standby is told from one of the primary, and a promotion ends it", async () => {
    const take = async (): Promise<BackupSession> =>
      await BackupSession.start(await SqlSession.connect(parseDsn(standby.dsn())), { label: "standby", fast: true });
    const whole = await take();
    expect(whole.started.fromStandby).toBe(true);
    const stopped = await whole.stop({ waitForArchive: true, timeoutMs: 30_000 });
    expect(stopped.label).toMatchObject({ takenFrom: "standby", startLsn: whole.started.startLsn });
    expect(stopped.stopLsn >= stopped.label.startLsn).toBe(true);
    expect(stopped.timeline).toBe(1);

    const cut = await take();
    await standby.query("SELECT pg_promote(true)");
    await expect(cut.stop({ waitForArchive: false, timeoutMs: 30_000 })).rejects.toMatchObject({
      code: "standby-promoted",
    });
  });
}
