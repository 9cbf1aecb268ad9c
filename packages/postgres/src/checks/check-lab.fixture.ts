import { AppError, systemClock } from "@tidemark/kit";
import type { TestServer } from "@tidemark/testkit";
import { receiveBackup } from "../base-backup/receive-backup.fixture.ts";
import type { ConnectionSettings } from "../connection/connection-settings.ts";
import { parseDsn } from "../connection/dsn.ts";
import { ReplicationSession } from "../session/replication-session.ts";
import { SqlSession } from "../session/sql-session.ts";
import type { CheckContext, CheckResult } from "./check.ts";
import { runServerChecks } from "./server-checks.ts";

export type ContextChanges = Partial<Omit<CheckContext, "known">> & { readonly known?: Partial<CheckContext["known"]> };

export const labRole = "Tide \"mark's";
export const labPassword = "päss wörd";

interface Login {
  readonly user: string;
  readonly password: string;
}
const labLogin: Login = { user: labRole, password: labPassword };

/** Runs checks as Tidemark would: sessions of its role, one of each kind, and what it knows of the server. */
export async function checkServer(
  server: TestServer,
  changes: ContextChanges = {},
  only?: readonly string[],
  login: Login = labLogin,
): Promise<readonly CheckResult[]> {
  const connection = labConnection(server, login);
  const session = await SqlSession.connect(connection);
  try {
    const context: CheckContext = {
      connection,
      opened: { tls: session.opened.tls, fellBack: session.opened.fellBack },
      replication: await tryReplication(connection),
      clock: systemClock,
      ...changes,
      known: {
        serverName: "lab",
        systemIdentifier: null,
        registeredAs: null,
        isOwnSlot: (name) => name.startsWith("tidemark"),
        streamsWal: false,
        ...changes.known,
      },
    };
    return await runServerChecks(session, context, only);
  } finally {
    await session.close();
  }
}

/** The connection string Tidemark would have. */
export function labConnection(server: TestServer, login: Login = labLogin): ConnectionSettings {
  return parseDsn(server.dsn(login));
}

/** Takes a base backup as Tidemark's role and forgets it; the error's code when that fails. */
export async function backupFailure(server: TestServer): Promise<string | null> {
  try {
    const session = await ReplicationSession.connect(labConnection(server));
    try {
      const options = { label: "lab", checkpoint: "fast", includeWal: true, progress: false } as const;
      await receiveBackup(session.baseBackup(options));
      return null;
    } finally {
      await session.close();
    }
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return error.code;
  }
}

async function tryReplication(connection: ConnectionSettings): Promise<CheckContext["replication"]> {
  try {
    const session = await ReplicationSession.connect(connection);
    try {
      return { ok: true, identity: await session.identifySystem() };
    } finally {
      await session.close();
    }
  } catch (error) {
    return { ok: false, error: error as Extract<CheckContext["replication"], { ok: false }>["error"] };
  }
}
