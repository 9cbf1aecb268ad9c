import type { ServerSettings } from "@tidemark/local-postgres";
import type { PgControl } from "@tidemark/postgres";
import { lastValue } from "./source-settings.ts";

/**
 * The limits a server in recovery must not undercut (pg_control) where the restored files give less or cannot be known:
 * the source may have had them on its command line, as Patroni does, or in a file elsewhere. Empty when all are met.
 */
export function minimumSettings(limits: PgControl["limits"], files: readonly string[]): ServerSettings {
  const isWhole = !files.some((text) => /^\s*include(?:_dir|_if_exists)?\b/im.test(text));
  const needed: Record<string, number> = {};
  for (const { name, least, usual } of minimums) {
    const written = files.map((text) => lastValue(text, name)).findLast((value) => value !== null) ?? null;
    const known = written === null ? (isWhole ? usual : null) : wholeNumber(written);
    if (known === null || known < limits[least]) needed[name] = limits[least];
  }
  return needed;
}

/** With what they are when no file names them (src/backend/utils/misc/guc_tables.c; the same from 13 to 18). */
const minimums = [
  { name: "max_connections", least: "maxConnections", usual: 100 },
  { name: "max_worker_processes", least: "maxWorkerProcesses", usual: 8 },
  { name: "max_wal_senders", least: "maxWalSenders", usual: 10 },
  { name: "max_prepared_transactions", least: "maxPreparedTransactions", usual: 0 },
  { name: "max_locks_per_transaction", least: "maxLocksPerTransaction", usual: 64 },
] as const;

/** Null for what is not plainly a number: hexadecimal and the like are legal, and nobody writes them. */
function wholeNumber(text: string): number | null {
  return /^\d+$/.test(text.trim()) ? Number(text) : null;
}
