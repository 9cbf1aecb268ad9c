import { rm } from "node:fs/promises";
import type { PostgresInstallation } from "./installation.ts";
import { type ExitReport, type Postmaster, type StopMode, type StopReport, stopPostmaster } from "./postmaster.ts";
import { readServerLog } from "./server-log.ts";
import { awaitNoProcesses, sendSignal, serverProcesses } from "./server-processes.ts";
import type { StartClusterOptions } from "./start-options.ts";

export interface StopOptions {
  /** Default fast: sessions are cut, everything is written down. */
  readonly mode?: StopMode;
  /** How long that mode may take before the next harder one. Default 30 s. */
  readonly timeoutMs?: number;
}

export interface DsnOptions {
  readonly database?: string;
  readonly user?: string;
  /** Null leaves the password out. */
  readonly password?: string | null;
  /** Default tcp, or socket for a socket-only server. */
  readonly via?: "tcp" | "socket";
}

/** A PostgreSQL server of ours that is running. `await using` stops it. */
export interface RunningCluster extends AsyncDisposable {
  readonly installation: PostgresInstallation;
  readonly dataDir: string;
  readonly logPath: string;
  readonly pid: number;
  /** 127.0.0.1, or the socket's folder for a socket-only server: what a client gives as its host. */
  readonly host: string;
  readonly port: number;
  readonly socketDir: string;
  /** Whether it was found running rather than started by this call. */
  readonly adopted: boolean;
  /** Resolves when the postmaster has ended, whoever ended it. */
  readonly exited: Promise<ExitReport>;
  isRunning(): boolean;
  /** A connection URI with the password in clear: for a client, never for a log. */
  dsn(options?: DsnOptions): string;
  /** Stops it: the mode asked for, then immediate, then SIGKILL. Fine when it has ended already. */
  stop(options?: StopOptions): Promise<StopReport>;
  /** SIGKILL to the postmaster, as a crash would be; returns when all its processes have gone. */
  kill(): Promise<void>;
  /** Makes it read its configuration files again (SIGHUP). */
  reload(): void;
  /** Stops it and starts it again on the same port, with `changes` to how it was started. */
  restart(changes?: Partial<StartClusterOptions> & { readonly stop?: StopOptions }): Promise<RunningCluster>;
  /** The end of its log, at most 64 KiB. */
  readLog(): Promise<string>;
}

/** Puts the handle together; for start-cluster.ts alone. */
export function makeRunningCluster(parts: {
  readonly start: (options: StartClusterOptions) => Promise<RunningCluster>;
  readonly options: StartClusterOptions;
  readonly dataDir: string;
  readonly logPath: string;
  readonly postmaster: Postmaster;
  readonly port: number;
  readonly socketDir: string;
}): RunningCluster {
  const { options, dataDir, logPath, postmaster, port, socketDir } = parts;
  const socketOnly = options.listen === "socket-only";
  const stop = async (how: StopOptions = {}) => {
    const report = await stopPostmaster(postmaster, how.mode ?? "fast", how.timeoutMs ?? 30_000);
    await awaitNoProcesses(dataDir, 5_000);
    await rm(socketDir, { recursive: true, force: true });
    return report;
  };
  return {
    installation: options.installation,
    dataDir,
    logPath,
    pid: postmaster.pid,
    host: socketOnly ? socketDir : "127.0.0.1",
    port,
    socketDir,
    adopted: postmaster.adopted,
    exited: postmaster.exited,
    isRunning: () => !postmaster.hasExited(),
    dsn: (wanted = {}) => {
      const host = (wanted.via ?? (socketOnly ? "socket" : "tcp")) === "tcp" ? "127.0.0.1" : socketDir;
      return formatDsn(host, port, wanted, options);
    },
    stop,
    kill: () => killServer(postmaster, dataDir),
    reload: () => sendSignal(postmaster.pid, "SIGHUP"),
    restart: async (changes = {}) => {
      const { stop: how, ...changed } = changes;
      await stop(how);
      return await parts.start({ ...options, dataDir, logPath, port, ...changed });
    },
    readLog: () => readServerLog(logPath, 0),
    [Symbol.asyncDispose]: async () => {
      await stop();
    },
  };
}

async function killServer(postmaster: Postmaster, dataDir: string): Promise<void> {
  const all = await serverProcesses(dataDir);
  // The postmaster first: a child that dies before it makes it restart the others (crash recovery), not die.
  sendSignal(postmaster.pid, "SIGKILL");
  for (const pid of all) sendSignal(pid, "SIGKILL");
  await postmaster.exited;
  await awaitNoProcesses(dataDir, 1_000);
}

function formatDsn(host: string, port: number, wanted: DsnOptions, options: StartClusterOptions): string {
  const user = encodeURIComponent(wanted.user ?? options.superuser ?? "postgres");
  const password = wanted.password === undefined ? (options.password?.reveal() ?? null) : wanted.password;
  const login = password === null ? user : `${user}:${encodeURIComponent(password)}`;
  const database = encodeURIComponent(wanted.database ?? "postgres");
  return `postgresql://${login}@${encodeURIComponent(host)}:${port}/${database}`;
}
