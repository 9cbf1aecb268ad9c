import type { ActControl, BackupSource } from "@tidemark/engine";
import type { RunRequest } from "@tidemark/jobs";
import { AppError } from "@tidemark/kit";
import type { Server } from "@tidemark/metadata";
import {
  type ConnectionSettings,
  parseDsn,
  ReplicationSession,
  readConfiguration,
  readEnvironment,
  readSetting,
  SqlSession,
} from "@tidemark/postgres";
import type { BackupConfiguration, BackupEnvironment } from "@tidemark/repository";
import { noteContact } from "./note-contact.ts";
import { serverConnection } from "./open-server.ts";
import type { WorkerDeps } from "./worker-deps.ts";

type BackupAct = Pick<RunRequest<"backup">, "method" | "readers" | "memberName">;

/** From where a backup is copied, and what was learned around it. */
export interface PreparedSource {
  readonly source: BackupSource;
  readonly configuration: BackupConfiguration | null;
  readonly environment: BackupEnvironment | null;
}

/**
 * Chooses how the copy is made and from which node: the server itself, or the member that was named, with the server's
 * own connection as that of its primary.
 */
export async function prepareSource(
  deps: WorkerDeps,
  server: Server,
  act: BackupAct,
  control: ActControl,
): Promise<PreparedSource> {
  const own = await serverConnection(deps, server.id);
  const from = act.memberName === null ? own : await memberConnection(deps, server, act.memberName);
  const session = (settings: ConnectionSettings) => (signal: AbortSignal) =>
    SqlSession.connect(settings, { signal, logger: deps.logger });
  const connectPrimary = act.memberName === null ? undefined : session(own);
  const around = await readAround(from, control);
  if (act.method === "stream") {
    const connect = async (signal: AbortSignal) => {
      const stream = await ReplicationSession.connect(from, { signal, logger: deps.logger });
      // A member's version and role in the cluster are its own affair.
      if (act.memberName === null) await noteContact(deps, server, stream);
      return stream;
    };
    return { source: { kind: "stream", connect, connectSql: session(from), connectPrimary }, ...around };
  }
  const dataDirectory = act.method === "local-files" ? await dataDirectoryOf(from, control.signal) : null;
  const connectSql = session(from);
  return {
    source: { kind: "files", connectSql, readers: act.readers, dataDirectory, connectPrimary },
    ...around,
  };
}

/** Opens a member's stored connection. */
async function memberConnection(deps: WorkerDeps, server: Server, memberName: string): Promise<ConnectionSettings> {
  const { members } = await deps.metadata.servers.credentials(server.id);
  const member = members.find((one) => one.name === memberName);
  if (member === undefined) {
    const names = members.map((one) => one.name).join(", ");
    throw new AppError("not-found", {
      message: `${server.name} has no member ${memberName}`,
      hint: members.length === 0 ? "no member was added to it" : `its members are ${names}`,
    });
  }
  return parseDsn((await deps.key.open(member.sealedDsn)).reveal());
}

async function dataDirectoryOf(settings: ConnectionSettings, signal: AbortSignal): Promise<string> {
  const session = await SqlSession.connect(settings, { signal });
  try {
    const setting = await readSetting(session, "data_directory");
    if (setting !== null) return setting.value;
  } finally {
    await session.close();
  }
  throw new AppError("privilege-missing", {
    message: "where the server keeps its files is not told to this role",
    hint: "grant it pg_read_all_settings, or read the files over SQL",
  });
}

/**
 * The configuration files and what a restored server needs of its machine, as far as this role may read them. A backup
 * is worth taking without; what was not read is said in the run's log.
 */
async function readAround(
  settings: ConnectionSettings,
  { signal, emit }: ActControl,
): Promise<Omit<PreparedSource, "source">> {
  const attempt = async <T>(what: string, read: () => Promise<T>): Promise<T | null> => {
    try {
      return await read();
    } catch (error) {
      if (signal.aborted || !(error instanceof AppError) || error.code === "internal") throw error;
      emit({ kind: "log", level: "warning", message: `${what} is not kept with this backup: ${error.message}` });
      return null;
    }
  };
  const session = await attempt("the server's configuration", () => SqlSession.connect(settings, { signal }));
  if (session === null) return { configuration: null, environment: null };
  try {
    return {
      configuration: await attempt("the server's configuration", () => readConfiguration(session)),
      environment: await attempt("what the server needs around it", () => readEnvironment(session)),
    };
  } finally {
    await session.close();
  }
}
