/** vitest's global set-up for integration tests: processes and folders that tests leave behind fail the run. */
import { readdir, readFile, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runMark } from "./temp-dir.ts";

export default function setup(): () => Promise<void> {
  // Workers inherit it, so all folders of this run are told from those of other runs on the machine.
  process.env.TIDEMARK_TEST_RUN = String(process.pid);
  return teardown;
}

async function teardown(): Promise<void> {
  const prefix = join(tmpdir(), `tidemark-${runMark()}-`);
  const processes = await processesBelow(prefix);
  for (const { pid } of processes) process.kill(pid, "SIGKILL");
  const folders = (await readdir(tmpdir()))
    .map((name) => join(tmpdir(), name))
    .filter((path) => path.startsWith(prefix));
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
  const leftovers = [...processes.map((each) => `process ${each.pid} (${each.name}) in ${each.cwd}`), ...folders];
  if (leftovers.length > 0) throw new Error(`the tests left behind (now removed):\n  ${leftovers.join("\n  ")}`);
}

/** Processes that work in a folder of this run; only Linux can tell. */
async function processesBelow(prefix: string): Promise<readonly { pid: number; name: string; cwd: string }[]> {
  if (process.platform !== "linux") return [];
  const found: { pid: number; name: string; cwd: string }[] = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number)) {
    try {
      const cwd = await readlink(`/proc/${pid}/cwd`);
      if (!cwd.startsWith(prefix)) continue;
      found.push({ pid, cwd, name: (await readFile(`/proc/${pid}/comm`, "utf8")).trim() });
    } catch {
      // It ended while we looked, or is somebody else's.
    }
  }
  return found;
}
