import { chown, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "@tidemark/kit";
import {
  findServerUser,
  formatSettings,
  giveTree,
  type PostgresInstallation,
  type RunningCluster,
  runTool,
  type ServerSettings,
  settingArguments,
  startCluster,
} from "@tidemark/local-postgres";
import { higherLimits, type PgControl, parsePgControl, type ServerLimits } from "@tidemark/postgres";
import { noTarget, type RecoveryAsk, recoverySettings } from "../restored-configuration/recovery-settings.ts";
import { commonDatabases } from "./drill-sql.ts";
import type { ScratchPlace } from "./scratch.ts";

export interface IsolatedStart {
  readonly installation: PostgresInstallation;
  readonly place: ScratchPlace;
  readonly startTimeoutMs: number;
  readonly signal: AbortSignal;
  /** To where it recovers with WAL from an archive; null or left out: from what the backup holds, as after a crash. */
  readonly recovery?: RecoveryAsk | null;
  /** Limits it is given at least, where those of its `pg_control` are lower. */
  readonly least?: ServerLimits | null;
  /** `detached`: it may outlive this process. Default child. */
  readonly lifetime?: "child" | "detached";
}

/**
 * Starts a restored cluster so that nothing outside notices it. It runs on our configuration, hba and ident file,
 * never on the restored ones; the restored postgresql.auto.conf, which a server reads whatever it is told, is taken
 * away; and what matters is given on the command line besides, which wins over every file.
 *
 * Without `recovery` that is of a crash: `backup_label` says where to begin, the WAL is in `pg_wal`, and no signal file
 * asks for anything more. With it the server may take connections before its recovery has ended (see followRecovery).
 * Throws `postgres-start-failed` with the server's own reason.
 */
export async function startIsolated(start: IsolatedStart): Promise<RunningCluster> {
  const { place, recovery = null } = start;
  const stored = parsePgControl(await readFile(join(place.dataDir, "global", "pg_control")));
  const control = { ...stored, limits: higherLimits(stored.limits, start.least ?? null) };
  const settings = {
    ...withRecovery(isolatedSettings(control, start.installation.major), recovery),
    ...(await inPlaceSettings(place.dataDir)),
  };
  await writeConfig(place, settings);
  for (const name of ["postgresql.auto.conf", "recovery.signal", "standby.signal", "recovery.conf"]) {
    await rm(join(place.dataDir, name), { force: true });
  }
  if (recovery !== null) await writeSignal(place, recovery);
  return await startCluster({
    installation: start.installation,
    dataDir: place.dataDir,
    listen: "socket-only",
    settings,
    configFile: join(place.configDir, "postgresql.conf"),
    hbaFile: join(place.configDir, "pg_hba.conf"),
    identFile: join(place.configDir, "pg_ident.conf"),
    logPath: place.logPath,
    startTimeoutMs: start.startTimeoutMs,
    signal: start.signal,
    lifetime: start.lifetime ?? "child",
  });
}

/** An empty target after the wanted one would take it back, so the emptied ones are those of the recovery, in its order. */
function withRecovery(isolated: ServerSettings, recovery: RecoveryAsk | null): ServerSettings {
  if (recovery === null) return isolated;
  const wanted = recoverySettings(recovery);
  const rest = Object.entries(isolated).filter(([name]) => !(name in wanted) && !(name in noTarget));
  return { ...Object.fromEntries(rest), ...wanted };
}

/** The server opens it for writing, to sync it, and removes it (xlogrecovery.c, readRecoverySignalFile). */
async function writeSignal(place: ScratchPlace, { asStandby }: RecoveryAsk): Promise<void> {
  const path = join(place.dataDir, asStandby ? "standby.signal" : "recovery.signal");
  await writeFile(path, "", { mode: 0o600 });
  const { uid, gid } = await stat(place.dataDir);
  if (process.getuid?.() === 0) await chown(path, uid, gid);
}

/** The role that made the cluster need not be called postgres, and may not be allowed to log in: then one is made in the copy. */
export const drillRole = "tidemark_drill";

/** Makes a superuser of our own in a stopped copy, in single-user mode, which asks for no login. */
export async function makeDrillRole(start: IsolatedStart): Promise<void> {
  const { place, installation } = start;
  const control = parsePgControl(await readFile(join(place.dataDir, "global", "pg_control")));
  const settings = settingArguments({
    ...isolatedSettings(control, installation.major),
    ...(await inPlaceSettings(place.dataDir)),
    config_file: join(place.configDir, "postgresql.conf"),
  });
  let why = "";
  for (const database of commonDatabases) {
    const args = ["--single", "-D", place.dataDir, ...settings, database];
    const result = await runTool(installation, "postgres", args, {
      input: `CREATE ROLE ${drillRole} SUPERUSER LOGIN\n`,
      signal: start.signal,
    });
    if (result.exitCode === 0 && !/\bERROR:|\bFATAL:/.test(result.stderr)) return;
    why = result.stderr.trim();
  }
  throw new AppError("drill-not-possible", {
    message: `no superuser of the copy can log in, and none could be made: ${why}`,
  });
}

/**
 * Nothing that reaches outside, nothing that needs a library that may be missing here, bounded memory. Limits a
 * standby's recovery must not undercut, and prepared transactions, are those of the source.
 */
export function isolatedSettings(control: PgControl, major: number): ServerSettings {
  const { limits } = control;
  const everyMajor: ServerSettings = {
    archive_mode: "off",
    archive_command: "",
    restore_command: "",
    archive_cleanup_command: "",
    recovery_end_command: "",
    primary_conninfo: "",
    primary_slot_name: "",
    recovery_target: "",
    recovery_target_name: "",
    recovery_target_time: "",
    recovery_target_xid: "",
    recovery_target_lsn: "",
    synchronous_standby_names: "",
    max_logical_replication_workers: 0,
    shared_preload_libraries: "",
    session_preload_libraries: "",
    local_preload_libraries: "",
    jit: false,
    ssl: false,
    // Off, a server reports itself ready while it still recovers (postmaster.c, PMSIGNAL_RECOVERY_STARTED).
    hot_standby: true,
    autovacuum: false,
    max_connections: Math.max(limits.maxConnections, 20),
    max_worker_processes: Math.max(limits.maxWorkerProcesses, 8),
    max_wal_senders: limits.maxWalSenders,
    max_prepared_transactions: limits.maxPreparedTransactions,
    max_locks_per_transaction: Math.max(limits.maxLocksPerTransaction, 64),
    shared_buffers: "64MB",
    work_mem: "8MB",
    maintenance_work_mem: "64MB",
    huge_pages: "off",
    max_parallel_workers: 0,
    max_wal_size: "1GB",
    wal_level: "replica",
    log_min_messages: "warning",
    log_statement: "none",
    statement_timeout: 0,
  };
  if (major < 15) return everyMajor;
  // archive_library came with 15, event_triggers (which also stops login triggers) with 17.
  return {
    ...everyMajor,
    archive_library: "",
    ...(major >= 17 ? { event_triggers: false, summarize_wal: false } : {}),
  };
}

/**
 * Recovery panics at a folder in pg_tblspc unless it is allowed (xlogrecovery.c, CheckTablespaceDirectory), and such a
 * cluster has the setting. Of another it is not asked: it came with minor releases of 2022.
 */
async function inPlaceSettings(dataDir: string): Promise<ServerSettings> {
  const entries = await readdir(join(dataDir, "pg_tblspc"), { withFileTypes: true });
  return entries.some((entry) => entry.isDirectory()) ? { allow_in_place_tablespaces: true } : {};
}

async function writeConfig(place: ScratchPlace, settings: ServerSettings): Promise<void> {
  await mkdir(place.configDir, { recursive: true, mode: 0o700 });
  await writeFile(
    join(place.configDir, "postgresql.conf"),
    formatSettings({ ...settings, timezone: "UTC", log_timezone: "UTC" }),
  );
  // The socket's folder is open to the server's own account (and root) only.
  await writeFile(join(place.configDir, "pg_hba.conf"), "local all all trust\n");
  await writeFile(join(place.configDir, "pg_ident.conf"), "");
  await giveTree(place.configDir, await findServerUser());
}
