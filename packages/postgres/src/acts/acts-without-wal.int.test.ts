import { type TestServer, testServer } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseDsn } from "../connection/dsn.ts";
import { SqlSession } from "../session/sql-session.ts";
import { BackupSession } from "./backup-session.ts";
import { createRestorePoint } from "./create-restore-point.ts";
import { createSlot } from "./create-slot.ts";
import { startExclusiveBackup } from "./exclusive-backup.ts";
import { switchWal } from "./switch-wal.ts";

/** 14 has both forms of the backup. */
describe("a server that writes minimal WAL", () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await testServer({ major: 14, settings: { wal_level: "minimal", max_wal_senders: 0 } });
  });

  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
  });

  it("refuses what needs more, and says which setting", async () => {
    const session = await SqlSession.connect(parseDsn(server.dsn()));
    const minimal = { code: "wal-level-minimal", hint: expect.stringContaining("wal_level") };
    const backup = { label: "none", fast: true };
    await expect(createRestorePoint(session, "none")).rejects.toMatchObject(minimal);
    await expect(createSlot(session, { name: "none", reserveWal: true })).rejects.toMatchObject(minimal);
    await expect(BackupSession.start(session, backup)).rejects.toMatchObject(minimal);
    await expect(startExclusiveBackup(session, backup)).rejects.toMatchObject(minimal);
    expect((await switchWal(session)).closedFile).toMatch(/^[0-9A-F]{24}$/);
    await session.close();
  });

  it("tells no slots at all from all slots taken", async () => {
    await server.query("ALTER SYSTEM SET max_replication_slots = 0");
    await server.restart();
    const session = await SqlSession.connect(parseDsn(server.dsn()));
    await expect(createSlot(session, { name: "none", reserveWal: true })).rejects.toMatchObject({
      code: "replication-slots-exhausted",
      hint: "raise max_replication_slots and restart",
    });
    await session.close();
  });
});
