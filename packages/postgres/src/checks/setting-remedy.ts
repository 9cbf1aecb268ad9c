import type { Remedy } from "../connection/remedy.ts";
import { sqlLiteral } from "../privileges/sql-text.ts";
import type { ServerEvidence } from "./server-evidence.ts";
import type { Settings } from "./settings-evidence.ts";

interface Where {
  readonly server: ServerEvidence;
  readonly settings: Settings;
}

/** wal_level=minimal goes with max_wal_senders = 0 only (postmaster.c), so both change together. */
export const replicaWalLevel: Remedy = {
  sql: "ALTER SYSTEM SET wal_level = 'replica';\nALTER SYSTEM SET max_wal_senders = '10';",
  needs: "restart",
};

/**
 * What gives settings another value, in the place that decides now: a setting given to our role or to the database wins
 * over the server's own, and one on the command line over everything that can be pasted.
 */
export function changeSettings({ server, settings }: Where, changes: Readonly<Record<string, string>>): Remedy {
  const names = Object.keys(changes);
  const fixed = names.filter((name) => fixedSources.has(settings.find(name)?.source ?? ""));
  if (fixed.length > 0) {
    const wanted = fixed.map((name) => `${name}=${changes[name]}`).join(" ");
    return {
      advice: `the server is started with ${fixed.join(" and ")} on its command line, which wins over its files: start it with ${wanted}`,
      needs: "restart",
    };
  }
  const statements = names.map((name) => changeOne(server, settings, name, changes[name] ?? ""));
  const needsRestart = names.some((name) => settings.find(name)?.context === "postmaster");
  const touchesCatalog = statements.some((statement) => !statement.startsWith("ALTER SYSTEM"));
  const touchesFile = statements.some((statement) => statement.startsWith("ALTER SYSTEM"));
  return {
    sql: [...statements, ...(touchesFile && !needsRestart ? ["SELECT pg_reload_conf();"] : [])].join("\n"),
    ...(touchesCatalog && server.inRecovery ? { advice: "run it on the primary: a standby changes no roles" } : {}),
    ...(needsRestart ? { needs: "restart" } : {}),
  };
}

function changeOne(server: ServerEvidence, settings: Settings, name: string, value: string): string {
  const set = `SET ${name} = ${sqlLiteral(value)};`;
  switch (settings.find(name)?.source) {
    case "user":
      return `ALTER ROLE ${server.roleSql} ${set}`;
    case "database":
      return `ALTER DATABASE ${server.databaseSql} ${set}`;
    case "database user":
      return `ALTER ROLE ${server.roleSql} IN DATABASE ${server.databaseSql} ${set}`;
    default:
      return `ALTER SYSTEM ${set}`;
  }
}

/** guc_tables.c, GucSource_Names. */
const fixedSources: ReadonlySet<string> = new Set(["command line", "environment variable"]);
