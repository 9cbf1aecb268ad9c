import { AppError } from "@tidemark/kit";
import type { RunningCluster } from "@tidemark/local-postgres";
import { connectionDefaults, SqlSession } from "@tidemark/postgres";

/** Rows as text by column name, null for NULL; every question casts what it asks for. */
export type TextRow = Readonly<Record<string, string | null>>;

/** A session with a drilled server, as superuser, with every reach outside switched off. */
export interface DrillSession {
  /** `timeoutMs` is the server's statement_timeout. */
  query(sql: string, values: readonly string[], timeoutMs: number): Promise<readonly TextRow[]>;
  close(): Promise<void>;
}

export type OpenDrillSession = (database: string) => Promise<DrillSession>;

/**
 * A session with any database of the cluster, to learn which there are. Each of the two that initdb makes for everybody
 * may have been dropped by its owner, which says nothing about the data. Throws `drill-not-possible` when both were.
 */
export async function openAnyDatabase(openSession: OpenDrillSession): Promise<DrillSession> {
  for (const database of commonDatabases) {
    try {
      return await openSession(database);
    } catch (error) {
      if (!(error instanceof AppError && error.code === "database-unknown")) throw error;
    }
  }
  throw new AppError("drill-not-possible", {
    message: `the cluster has none of the databases ${commonDatabases.join(" and ")}, by which the others could be found`,
    hint: "make a database called postgres on the server; the next backup can be drilled then",
  });
}

/** Those that initdb makes and that take connections. */
export const commonDatabases = ["template1", "postgres"] as const;

/** Sessions over the server's own socket, which trusts whoever may open it. */
export function drillSessions(
  cluster: Pick<RunningCluster, "socketDir" | "port">,
  user: string,
  signal: AbortSignal,
  startupOptions: string = sessionSettings,
): OpenDrillSession {
  return async (database) => {
    const session = await SqlSession.connect(
      {
        ...connectionDefaults,
        hosts: [{ host: cluster.socketDir, hostAddress: null, port: cluster.port }],
        user,
        database,
        applicationName: "tidemark-drill",
        sslMode: "disable",
      },
      { signal, startupOptions },
    );
    return {
      query: (sql, values, timeoutMs) => session.query<TextRow>(sql, values, { timeoutMs }),
      close: () => session.close(),
    };
  };
}

/**
 * Settings given to a role or a database in the restored cluster (ALTER ROLE … SET) win over the server's command
 * line, but not over these: a library that is missing here would keep the session from starting.
 */
const sessionSettings = [
  "session_preload_libraries=",
  "local_preload_libraries=",
  "default_transaction_read_only=off",
  "default_transaction_isolation=read\\ committed",
  "row_security=off",
  "client_min_messages=warning",
  "lock_timeout=0",
  "jit=off",
]
  .map((setting) => `-c ${setting}`)
  .join(" ");

/** Asks what a person wrote: it reads everything and writes nothing, and has no rights over files and programs. */
export const readerRole = "tidemark_reader";

/** Makes that role in the copy, and gives sessions as it. `databases`: those it will be asked for. */
export async function readerSessions(
  cluster: RunningCluster,
  openSession: OpenDrillSession,
  databases: readonly string[],
  signal: AbortSignal,
): Promise<OpenDrillSession> {
  for (const database of new Set(databases)) {
    let session: DrillSession;
    try {
      session = await openSession(database);
    } catch (error) {
      // Said by the question that needs it.
      if (error instanceof AppError && error.code === "database-unknown") continue;
      throw error;
    }
    try {
      for (const sql of readerRights(cluster.installation.major, database)) await session.query(sql, [], rightsMs);
    } finally {
      await session.close();
    }
  }
  return drillSessions(cluster, readerRole, signal, readerSettings);
}

/** pg_read_all_data came with 14; on 13 the rights are given table by table. */
function readerRights(major: number, database: string): readonly string[] {
  const make = `DO $$ BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = '${readerRole}') THEN
      CREATE ROLE ${readerRole} LOGIN BYPASSRLS NOSUPERUSER;
    END IF; END $$`;
  // A library that is missing here would keep the session from starting. Only a superuser may overrule it at the login.
  const quoted = `"${database.replaceAll('"', '""')}"`;
  const quiet = ["session_preload_libraries", "default_transaction_read_only"].flatMap((setting) => [
    `ALTER DATABASE ${quoted} RESET ${setting}`,
    `ALTER ROLE ALL RESET ${setting}`,
  ]);
  if (major >= 14) return [make, ...quiet, `GRANT pg_read_all_data TO ${readerRole}`];
  const grant = `DO $$ DECLARE s name; BEGIN
    FOR s IN SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_(toast|temp)' LOOP
      EXECUTE pg_catalog.format('GRANT USAGE ON SCHEMA %I TO ${readerRole}', s);
      EXECUTE pg_catalog.format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO ${readerRole}', s);
      EXECUTE pg_catalog.format('GRANT SELECT ON ALL SEQUENCES IN SCHEMA %I TO ${readerRole}', s);
    END LOOP; END $$`;
  return [make, ...quiet, grant];
}

/** One statement a session, which cannot take this back for itself. */
const readerSettings = ["default_transaction_read_only=on", "local_preload_libraries=", "jit=off", "lock_timeout=0"]
  .map((setting) => `-c ${setting}`)
  .join(" ");
const rightsMs = 60_000;
