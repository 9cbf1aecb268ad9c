import { readFile, readlink, realpath } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { systemErrorCode } from "@tidemark/kit";

/**
 * Why a PostgreSQL server is held to be running on a data directory, as a sentence, or null. What a server leaves there
 * is `postmaster.pid` (src/include/utils/pidfile.h: pid, data directory, start time, port, socket folder, listen address,
 * shared memory key and id, status). The pid alone is not enough: it may have been given to another process since, and
 * in a container it means nothing outside; so the process's own folder, the shared memory and the socket are asked, too.
 */
export async function findRunningServer(dataDirectory: string): Promise<string | null> {
  let text: string;
  try {
    text = await readFile(join(dataDirectory, "postmaster.pid"), "utf8");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT" || systemErrorCode(error) === "ENOTDIR") return null;
    throw error;
  }
  const lines = text.split("\n").map((line) => line.trim());
  // A standalone backend writes its pid negative.
  const pid = Math.abs(Number.parseInt(lines[0] ?? "", 10));
  const byProcess = Number.isInteger(pid) && pid > 0 ? await judgeProcess(pid, dataDirectory) : null;
  if (byProcess !== null) return byProcess;
  const [, key, segment] = /^(\d+)\s+(\d+)$/.exec(lines[6] ?? "") ?? [];
  if (key !== undefined && (await isAttached(Number(key), Number(segment)))) {
    return `the shared memory named in ${dataDirectory}/postmaster.pid is in use: a server runs there, perhaps in a container`;
  }
  const port = Number.parseInt(lines[3] ?? "", 10);
  const socketFolder = lines[4] ?? "";
  if (Number.isInteger(port) && socketFolder.startsWith("/") && (await answers(`${socketFolder}/.s.PGSQL.${port}`))) {
    return `a server answers at the socket that ${dataDirectory}/postmaster.pid names (${socketFolder}, port ${port})`;
  }
  return null;
}

/** The postmaster's working directory is its data directory (miscinit.c, ChangeToDataDir); a reused pid has another. */
async function judgeProcess(pid: number, dataDirectory: string): Promise<string | null> {
  // Our own pid in an old file is a coincidence, as PostgreSQL itself reasons (miscinit.c, CreateLockFile).
  if (pid === process.pid || pid === process.ppid || !isAlive(pid)) return null;
  const running = `a server runs on ${dataDirectory} (process ${pid})`;
  try {
    const folder = await readlink(`/proc/${pid}/cwd`);
    return folder === (await realpath(dataDirectory)) ? running : null;
  } catch {
    // Not ours to look at, or no /proc here: a live process of that number counts as the server.
    return isAlive(pid) ? running : null;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemErrorCode(error) === "EPERM";
  }
}

/** Whether a System V segment has processes attached (column 7, `nattch`, of /proc/sysvipc/shm). */
async function isAttached(key: number, segmentId: number): Promise<boolean> {
  let table: string;
  try {
    table = await readFile("/proc/sysvipc/shm", "utf8");
  } catch {
    // No such table on this system: the other questions remain.
    return false;
  }
  for (const line of table.split("\n").slice(1)) {
    const columns = line.trim().split(/\s+/);
    if (Number(columns[0]) >>> 0 === key && Number(columns[1]) === segmentId) return Number(columns[6]) > 0;
  }
  return false;
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const end = (answered: boolean): void => {
      socket.destroy();
      resolve(answered);
    };
    socket.setTimeout(socketTimeoutMs, () => end(true));
    socket.once("connect", () => end(true));
    socket.once("error", (error) => end(systemErrorCode(error) === "EACCES" || systemErrorCode(error) === "EAGAIN"));
  });
}

/** A local socket that neither takes nor refuses us in this time has somebody behind it. */
const socketTimeoutMs = 2000;
