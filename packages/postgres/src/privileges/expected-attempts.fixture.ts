import { AppError, systemClock } from "@tidemark/kit";
import type { TestServer } from "@tidemark/testkit";
import { createRestorePoint } from "../acts/create-restore-point.ts";
import { createSlot } from "../acts/create-slot.ts";
import { dropSlot } from "../acts/drop-slot.ts";
import { startExclusiveBackup, stopExclusiveBackup } from "../acts/exclusive-backup.ts";
import { startBackup, stopBackup } from "../acts/low-level-backup.ts";
import { planSlotDrop } from "../acts/plan-slot-drop.ts";
import { runCheckpoint } from "../acts/run-checkpoint.ts";
import { switchWal } from "../acts/switch-wal.ts";
import type { ConnectionSettings } from "../connection/connection-settings.ts";
import { readArchiver } from "../server/archiver.ts";
import { readBinaryFile } from "../server/read-binary-file.ts";
import { readRecovery } from "../server/recovery.ts";
import { readReplication } from "../server/replication.ts";
import { listDirectory, statFile } from "../server/server-files.ts";
import { readServerInfo } from "../server/server-info.ts";
import { readSetting } from "../server/settings.ts";
import { readSlots } from "../server/slots.ts";
import { ReplicationSession } from "../session/replication-session.ts";
import { SqlSession } from "../session/sql-session.ts";

export interface Attempt {
  readonly session: SqlSession;
  readonly settings: ConnectionSettings;
  readonly server: TestServer;
  readonly inRecovery: boolean;
  /** The process of a session of a role that is nothing special. */
  readonly victimPid: () => Promise<number>;
}

type Outcome = "ok" | "hidden";

/** The act of readPrivileges that answers for each row; null: it has no say (everybody may). */
export const predictedBy: Readonly<Record<string, string | null>> = {
  "server-info": null,
  settings: null,
  archiver: null,
  slots: null,
  "system-identifier": "read-control",
  "control-data": "read-control",
  "data-directory": "read-settings",
  replication: "read-statistics",
  "wal-receiver": "read-statistics",
  configuration: "read-configuration",
  "stat-file-outside": null,
};

/** Does or reads the thing a row names, for real. */
export const attempts: Readonly<Record<string, (attempt: Attempt) => Promise<Outcome | undefined>>> = {
  "server-info": async ({ session }) => {
    await readServerInfo(session, { clock: systemClock });
    return "ok";
  },
  settings: async ({ session }) => hiddenUnless((await readSetting(session, "wal_level"))?.value === "replica"),
  "data-directory": async ({ session }) => hiddenUnless((await readSetting(session, "data_directory")) !== null),
  archiver: async ({ session }) => hiddenUnless((await readArchiver(session)).archivedCount >= 0n),
  slots: async ({ session }) => hiddenUnless((await readSlots(session)).some(({ name }) => name === "seen_by_all")),
  replication: async ({ session }) => {
    const clients = await readReplication(session);
    if (clients.length === 0) throw new Error("the standby does not stream");
    return hiddenUnless(clients.every(({ state }) => state !== null));
  },
  "wal-receiver": async ({ session }) => {
    const receiver = (await readRecovery(session))?.receiver ?? null;
    if (receiver === null) throw new Error("the standby does not stream");
    return hiddenUnless(receiver.status !== null);
  },
  "system-identifier": async ({ session }) => {
    await session.query("SELECT system_identifier FROM pg_catalog.pg_control_system()");
    return "ok";
  },
  "control-data": async ({ session }) => {
    await session.query("SELECT timeline_id FROM pg_catalog.pg_control_checkpoint()");
    return "ok";
  },
  configuration: async ({ session }) => {
    const rules = await session.query("SELECT line_number FROM pg_catalog.pg_hba_file_rules");
    return hiddenUnless(rules.length > 0);
  },
  "read-file": ({ session }) => readBeginning(session, "PG_VERSION"),
  "read-file-outside": ({ session }) => readBeginning(session, "/etc/passwd"),
  "stat-file": async ({ session }) => hiddenUnless((await statFile(session, "PG_VERSION")).sizeBytes > 0n),
  "stat-file-outside": async ({ session }) => hiddenUnless((await statFile(session, "/etc/passwd")).sizeBytes > 0n),
  "list-directory": async ({ session }) => hiddenUnless((await listDirectory(session, "global")).length > 0),
  replicate: async ({ settings }) => {
    const session = await ReplicationSession.connect(settings);
    await session.identifySystem().finally(() => session.close());
    return "ok";
  },
  "create-slot": async ({ session, server }) => {
    await createSlot(session, { name: "attempted", reserveWal: true });
    await server.query("SELECT pg_drop_replication_slot('attempted')");
    return "ok";
  },
  "drop-slot": async ({ session, server }) => {
    await server.query("SELECT pg_create_physical_replication_slot('to_drop')");
    try {
      await dropSlot(session, await planSlotDrop(session, "to_drop"));
      return "ok";
    } catch (error) {
      await server.query("SELECT pg_drop_replication_slot('to_drop')");
      throw error;
    }
  },
  "start-backup": async ({ settings }) => {
    const session = await SqlSession.connect(settings);
    await startBackup(session, { label: "attempted", fast: true }).finally(() => session.close());
    return "ok";
  },
  "stop-backup": async ({ settings, server, inRecovery }) => {
    const session = await SqlSession.connect(settings);
    try {
      const started = await startBackup(session, { label: "attempted", fast: true }).catch(ignorePrivilege);
      const like = started ?? { major: server.major, fromStandby: inRecovery };
      await stopBackup(session, like, { waitForArchive: false });
      return "ok";
    } finally {
      await session.close();
    }
  },
  "exclusive-backup": async ({ session }) => {
    await startExclusiveBackup(session, { label: "attempted", fast: true });
    await stopExclusiveBackup(session, { waitForArchive: false });
    return "ok";
  },
  "switch-wal": async ({ session }) => {
    await switchWal(session);
    return "ok";
  },
  "restore-point": async ({ session }) => {
    await createRestorePoint(session, "attempted");
    return "ok";
  },
  checkpoint: async ({ session }) => {
    await runCheckpoint(session);
    return "ok";
  },
  "end-session": async ({ session, victimPid }) => {
    const pid = await victimPid();
    const [row] = await session.query<{ ended: boolean }>("SELECT pg_catalog.pg_terminate_backend($1) AS ended", [pid]);
    return hiddenUnless(row?.ended === true);
  },
};

async function readBeginning(session: SqlSession, path: string): Promise<Outcome> {
  for await (const chunk of readBinaryFile(session, path, { lengthBytes: 2 })) return hiddenUnless(chunk.length === 2);
  return "hidden";
}

function hiddenUnless(seen: boolean): Outcome {
  return seen ? "ok" : "hidden";
}

/** Who may not start is still asked whether it may stop. */
function ignorePrivilege(error: unknown): null {
  if (error instanceof AppError && error.code === "privilege-missing") return null;
  throw error;
}
