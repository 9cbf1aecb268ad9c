import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { identifyProcess, isProcessAlive, type ProcessIdentity, systemErrorCode } from "@tidemark/kit";

/**
 * Workers of this home, by file: `<home>/workers/<worker id>` holds the process that has that id. A worker that died
 * (`kill -9`) is known to be dead at once by its successor on the same machine, without waiting out its heartbeat.
 */
export async function announceWorker(home: string, workerId: string): Promise<() => Promise<void>> {
  const folder = join(home, "workers");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, workerId);
  await writeFile(path, JSON.stringify(identifyProcess(process.pid)), { mode: 0o600 });
  return () => rm(path, { force: true });
}

/** Ids of workers of this home whose process is gone. */
export async function deadWorkers(home: string): Promise<readonly string[]> {
  const folder = join(home, "workers");
  const dead: string[] = [];
  for (const workerId of await namesIn(folder)) {
    const identity = await readIdentity(join(folder, workerId));
    if (identity === null || !isProcessAlive(identity)) dead.push(workerId);
  }
  return dead;
}

/** Its runs were ended and its row says so: nothing asks for it any more. */
export async function forgetWorker(home: string, workerId: string): Promise<void> {
  await rm(join(home, "workers", workerId), { force: true });
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => /^wrk_[0-9a-z]{26}$/.test(name));
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  }
}

async function readIdentity(path: string): Promise<ProcessIdentity | null> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as ProcessIdentity | null;
  } catch (error) {
    // Gone meanwhile, or torn by a power cut: in both cases nobody lives there.
    if (systemErrorCode(error) === "ENOENT" || error instanceof SyntaxError) return null;
    throw error;
  }
}
