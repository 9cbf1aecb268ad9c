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
export function drillSessions(cluster: RunningCluster, user: string, signal: AbortSignal): OpenDrillSession {
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
      { signal, startupOptions: sessionSettings },
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
