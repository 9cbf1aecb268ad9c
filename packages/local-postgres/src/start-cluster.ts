import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "@tidemark/kit";
import { awaitReady, whyNotStarted } from "./await-ready.ts";
import { freePort } from "./free-port.ts";
import { giveCluster } from "./give-tree.ts";
import { placeForServer } from "./place-for-server.ts";
import { adoptedPostmaster, childPostmaster, type Postmaster, stopPostmaster } from "./postmaster.ts";
import { readPostmasterFile } from "./postmaster-file.ts";
import { serverEnvironment } from "./run-tool.ts";
import { makeRunningCluster, type RunningCluster } from "./running-cluster.ts";
import { openServerLog } from "./server-log.ts";
import { awaitNoProcesses, findPostmaster } from "./server-processes.ts";
import { type ServerSettings, settingArguments } from "./server-settings.ts";
import { findServerUser, identityOf, type ServerUser } from "./server-user.ts";
import { makeSocketFolder } from "./socket-folder.ts";
import type { StartClusterOptions } from "./start-options.ts";

/**
 * Starts a PostgreSQL server on a data directory and returns when it takes connections. Works after any crash: a
 * postmaster that survived its parent is stopped or adopted, orphans of a dead one are waited for, and a stale
 * `postmaster.pid` whose number now belongs to somebody else is removed.
 *
 * As root the server runs under the owner of the data directory, or, when that is root, under `findServerUser`'s
 * account, which is given the folder and its tablespaces.
 *
 * @throws AppError `postgres-start-failed` (with the server's own reason), `port-taken`, `cancelled`.
 */
export async function startCluster(options: StartClusterOptions): Promise<RunningCluster> {
  const place = await placeForServer(options.dataDir, await findServerUser());
  const dataDir = place.path;
  if (!existsSync(join(dataDir, "PG_VERSION"))) {
    throw new AppError("postgres-start-failed", {
      message: `${dataDir} holds no PostgreSQL cluster`,
      hint: "nothing was started",
      context: { dataDir },
    });
  }
  const logPath = options.logPath ?? `${dataDir}.log`;
  const adopted = await dealWithRunning(dataDir, options);
  if (adopted !== null) return makeRunningCluster({ start: startCluster, options, dataDir, logPath, ...adopted });
  const user = await ownerFor(dataDir);
  return await startWithRetry({ options, dataDir, logPath, user });
}

interface Attempt {
  readonly options: StartClusterOptions;
  readonly dataDir: string;
  readonly logPath: string;
  readonly user: ServerUser | null;
}

/** A port may be taken between our asking the kernel and the server's binding it; shared memory may linger shortly. */
const attempts = 5;

async function startWithRetry(attempt: Attempt): Promise<RunningCluster> {
  for (let left = attempts; ; left--) {
    const port = attempt.options.port ?? (await freePort());
    try {
      return await startOnce(attempt, port);
    } catch (error) {
      const retryable =
        error instanceof AppError &&
        ((error.code === "port-taken" && attempt.options.port === undefined) || error.context.lingering === true);
      if (!retryable || left <= 1) throw error;
      attempt.options.logger?.debug({ err: error }, "starting PostgreSQL again");
    }
  }
}

async function startOnce({ options, dataDir, logPath, user }: Attempt, port: number): Promise<RunningCluster> {
  const socketDir = await makeSocketFolder(dataDir, user);
  const log = await openServerLog(logPath);
  let postmaster: Postmaster;
  try {
    postmaster = await spawnPostmaster(options, serverArguments(options, dataDir, socketDir, port), log.fd, user);
  } finally {
    await log.close();
  }
  const cluster = makeRunningCluster({ start: startCluster, options, dataDir, logPath, postmaster, port, socketDir });
  if (options.until === "spawned") return cluster;
  const started = await awaitReady({ postmaster, dataDir, socketDir, port, options });
  if (started === "ready") return cluster;
  if (!postmaster.hasExited()) await stopPostmaster(postmaster, "immediate", 10_000);
  await rm(socketDir, { recursive: true, force: true });
  throw await whyNotStarted(started, { logPath, logOffset: log.offset, dataDir, port, options });
}

function serverArguments(
  options: StartClusterOptions,
  dataDir: string,
  socketDir: string,
  port: number,
): readonly string[] {
  const files: Record<string, string> = {};
  if (options.configFile !== undefined) files.config_file = options.configFile;
  if (options.hbaFile !== undefined) files.hba_file = options.hbaFile;
  if (options.identFile !== undefined) files.ident_file = options.identFile;
  const ours: ServerSettings = {
    listen_addresses: options.listen === "socket-only" ? "" : "127.0.0.1",
    port,
    unix_socket_directories: socketDir,
    unix_socket_permissions: "0700",
    // Not where the copied settings say; and empty is a name that cannot be written, which the log would tell.
    external_pid_file: join(socketDir, "server.pid"),
    logging_collector: false,
    log_destination: "stderr",
    // So that the reason of a failed start can be read from the log whatever the cluster's language is.
    lc_messages: "C",
  };
  return ["-D", dataDir, ...settingArguments({ ...files, ...ours, ...options.settings })];
}

function spawnPostmaster(
  options: StartClusterOptions,
  args: readonly string[],
  logFd: number,
  user: ServerUser | null,
): Promise<Postmaster> {
  return new Promise((resolve, reject) => {
    const child = spawn(join(options.installation.binDir, "postgres"), args, {
      cwd: "/",
      env: serverEnvironment(options.environment),
      stdio: ["ignore", logFd, logFd],
      detached: true,
      ...identityOf(user),
    });
    child.once("error", (cause) =>
      reject(
        new AppError("postgres-start-failed", {
          message: `${options.installation.binDir}/postgres cannot be run`,
          hint: "the PostgreSQL programs may have been removed or be closed to the server's account",
          cause,
        }),
      ),
    );
    const { pid } = child;
    if (pid === undefined) return;
    if (options.lifetime === "detached") child.unref();
    resolve(childPostmaster(child, pid));
  });
}

/** What to do with a server that runs already, and with the traces of one that does not. */
async function dealWithRunning(
  dataDir: string,
  options: StartClusterOptions,
): Promise<{ postmaster: Postmaster; port: number; socketDir: string } | null> {
  const pid = await findPostmaster(dataDir);
  if (pid === null) {
    await awaitNoProcesses(dataDir, 5_000);
    await dropForeignPidFile(dataDir);
    return null;
  }
  const postmaster = adoptedPostmaster(pid);
  if (options.ifRunning === "refuse") {
    throw new AppError("postgres-start-failed", {
      message: `a PostgreSQL server (pid ${pid}) is running on ${dataDir} already`,
      hint: "nothing was changed; stop that server first",
      context: { dataDir, pid },
    });
  }
  if (options.ifRunning === "adopt") {
    const file = await readPostmasterFile(dataDir);
    if (file?.status === "ready" && file.port !== null && file.socketDir !== null) {
      return { postmaster, port: file.port, socketDir: file.socketDir };
    }
  }
  options.logger?.info({ pid, dataDir }, "stopping a PostgreSQL server that outlived the process that started it");
  await stopPostmaster(postmaster, "fast", 30_000);
  await awaitNoProcesses(dataDir, 5_000);
  return null;
}

/**
 * PostgreSQL itself overwrites the pid file of a dead postmaster, but refuses to start when that number now belongs
 * to another process of the same account (CreateLockFile in miscinit.c). We know better: no server works in here.
 */
async function dropForeignPidFile(dataDir: string): Promise<void> {
  await rm(join(dataDir, "postmaster.pid"), { force: true });
}

async function ownerFor(dataDir: string): Promise<ServerUser | null> {
  const user = await findServerUser();
  if (user === null) return null;
  const { uid, gid } = await stat(dataDir);
  if (uid !== 0) return uid === user.uid ? user : { uid, gid, name: String(uid) };
  await giveCluster(dataDir, user);
  return user;
}
