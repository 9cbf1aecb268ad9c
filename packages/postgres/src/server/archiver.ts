import { AppError } from "@tidemark/kit";
import type { Asker } from "./asker.ts";
import { instantOf, msOf } from "./column-values.ts";
import { maskSettingSecrets } from "./settings.ts";

/** What the server's archiver does and did. */
export interface ArchiverState {
  readonly mode: "off" | "on" | "always";
  /** Null when empty, or when archive_mode is off. Passwords in it are masked. */
  readonly command: string | null;
  /** 15+. Null when empty and before. */
  readonly library: string | null;
  readonly isArchiving: boolean;
  readonly archivedCount: bigint;
  readonly lastArchivedWal: string | null;
  readonly lastArchivedAt: Date | null;
  readonly failedCount: bigint;
  readonly lastFailedWal: string | null;
  readonly lastFailedAt: Date | null;
  /** Archived files per second since the statistics were reset. Null when they never were. */
  readonly segmentsPerSecond: number | null;
  readonly statsResetAt: Date | null;
}

/** What decides whether archiving works. */
export interface ArchivingSigns {
  readonly mode: ArchiverState["mode"];
  readonly inRecovery: boolean;
  readonly hasCommandOrLibrary: boolean;
  readonly lastArchivedWal: string | null;
  readonly lastFailedWal: string | null;
  /** The last failure is not later than the last success; null when there was no success or no failure. */
  readonly succeededSince: boolean | null;
}

/** Needs: any login (pg_stat_archiver and the settings are public). */
export async function readArchiver(asker: Asker): Promise<ArchiverState> {
  const [row] = await asker.query<ArchiverRow>(question);
  if (row === undefined) throw new AppError("protocol-violation", { message: "the server has no archiver statistics" });
  const command = configured(row.command);
  const library = configured(row.library);
  return {
    mode: row.mode,
    command,
    library,
    isArchiving: isArchiving({
      mode: row.mode,
      inRecovery: row.in_recovery,
      hasCommandOrLibrary: command !== null || library !== null,
      lastArchivedWal: row.last_archived_wal,
      lastFailedWal: row.last_failed_wal,
      succeededSince: row.succeeded_since,
    }),
    archivedCount: BigInt(row.archived_count),
    lastArchivedWal: row.last_archived_wal,
    lastArchivedAt: instantOf(row.last_archived_ms),
    failedCount: BigInt(row.failed_count),
    lastFailedWal: row.last_failed_wal,
    lastFailedAt: instantOf(row.last_failed_ms),
    segmentsPerSecond: row.per_second,
    statsResetAt: instantOf(row.stats_reset_ms),
  };
}

/**
 * Whether archiving is on and its last attempt went well. The rule is Barman's (get_archiver_stats): a failed history
 * file counts as mended once a file of the same or a later timeline was archived. Two things more, which make the
 * archiver do nothing: on a standby it runs only with archive_mode = always (pgarch.h, PgArchStartupAllowed in
 * postmaster.c), and with neither command nor library it waits (pgarch.c, pgarch_ArchiverCopyLoop).
 */
export function isArchiving(signs: ArchivingSigns): boolean {
  const { mode, lastFailedWal, lastArchivedWal } = signs;
  if (mode === "off" || !signs.hasCommandOrLibrary || (signs.inRecovery && mode !== "always")) return false;
  if (lastFailedWal === null || signs.succeededSince === true) return true;
  const isHistory = lastFailedWal.endsWith(".history");
  return isHistory && lastArchivedWal !== null && lastFailedWal.slice(0, 8) <= lastArchivedWal.slice(0, 8);
}

/** While archive_mode is off, archive_command shows as `(disabled)` (xlog.c, show_archive_command). */
function configured(value: string | null): string | null {
  return value === null || value === "" || value === "(disabled)" ? null : maskSettingSecrets(value);
}

interface ArchiverRow {
  readonly mode: ArchiverState["mode"];
  readonly in_recovery: boolean;
  readonly command: string;
  readonly library: string | null;
  readonly archived_count: string;
  readonly last_archived_wal: string | null;
  readonly last_archived_ms: number | null;
  readonly failed_count: string;
  readonly last_failed_wal: string | null;
  readonly last_failed_ms: number | null;
  readonly succeeded_since: boolean | null;
  readonly per_second: number | null;
  readonly stats_reset_ms: number | null;
}

const question = `
  SELECT pg_catalog.current_setting('archive_mode') AS mode,
         pg_catalog.pg_is_in_recovery() AS in_recovery,
         pg_catalog.current_setting('archive_command') AS command,
         pg_catalog.current_setting('archive_library', true) AS library,
         archived_count::text AS archived_count,
         last_archived_wal,
         ${msOf("last_archived_time")} AS last_archived_ms,
         failed_count::text AS failed_count,
         last_failed_wal,
         ${msOf("last_failed_time")} AS last_failed_ms,
         last_failed_time <= last_archived_time AS succeeded_since,
         archived_count::float8
           / NULLIF(EXTRACT(epoch FROM pg_catalog.clock_timestamp() - stats_reset)::float8, 0) AS per_second,
         ${msOf("stats_reset")} AS stats_reset_ms
    FROM pg_catalog.pg_stat_archiver`;
