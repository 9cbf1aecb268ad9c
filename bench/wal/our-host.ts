import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createRepository } from "@tidemark/repository";
import { FilesystemStore } from "@tidemark/storage";
import { ourEnvironment } from "./measure-stream.ts";
import { begin, type Running } from "./timed.ts";
import { emptyFolder, type WalScene } from "./wal-scene.ts";

/** The server's host as `tidemark server host-config` leaves it: settings, a repository, and the agent. */
export interface OurHost {
  readonly repository: string;
  readonly socket: string;
  readonly archiveCommand: string;
  readonly restoreCommand: string;
  readonly agent: Running;
}

const command = fileURLToPath(new URL("../../apps/cli/bin/tidemark", import.meta.url));

/** `keepRepository`: what an earlier one of this name archived is still there. */
export async function startOurHost(
  { settings }: WalScene,
  name: string,
  compression: string,
  keepRepository = false,
): Promise<OurHost> {
  const repository = keepRepository
    ? join(settings.workDir, `${name}-repository`)
    : emptyFolder(settings, `${name}-repository`);
  // Beside the work folder's own files: a socket's path has 103 bytes at most.
  const spool = emptyFolder(settings, `${name}-spool`);
  const socket = join(spool, "agent.sock");
  if (!keepRepository) await (await createRepository(new FilesystemStore(repository), { encryption: "none" })).close();
  const config = join(settings.workDir, `${name}.json`);
  const host = { spool, socket, serverId: "srv_bench", repository: { url: repository }, compression, agent: "service" };
  writeFileSync(config, JSON.stringify(host, null, 2), { mode: 0o600 });
  const argv = [process.execPath, `${command}.mjs`, "wal", "agent", "--config", config];
  const agent = begin(argv, join(settings.workDir, `${name}.log`), ourEnvironment(settings.workDir));
  await untilItAnswers(socket, agent);
  return {
    repository,
    socket,
    archiveCommand: `${command} wal push --config ${config} %p`,
    restoreCommand: `${command} wal fetch --config ${config} %f %p`,
    agent,
  };
}

async function untilItAnswers(path: string, agent: Running): Promise<void> {
  const ended = agent.ended.then(() => Promise.reject(new Error("the agent ended by itself")));
  ended.catch(() => undefined);
  for (;;) {
    const socket = createConnection(path);
    try {
      await Promise.race([once(socket, "connect"), ended]);
      // Its threads load what they need meanwhile.
      await pause(1_000);
      return;
    } catch (error) {
      if (!(error instanceof Error && "syscall" in error)) throw error;
      await pause(50);
    } finally {
      socket.destroy();
    }
  }
}
