import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chown, copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findServerUser, serverFolder, type TempDir, waitFor } from "@tidemark/testkit";
import { root } from "../kill/product.ts";

export interface AgentOptions {
  readonly dir: TempDir;
  readonly serverId: string;
  readonly repositoryUrl: string;
  readonly key: string;
}

/** The agent of a database host, as a process to be killed, and the archive_command that asks it. */
export interface AgentProcess {
  readonly pids: readonly number[];
  start(): Promise<void>;
  kill(): Promise<void>;
}

/** Puts the command in place, before there is a server that calls it, and gives the archive_command. */
export async function archiveCommandIn(dir: TempDir): Promise<string> {
  // The servers' account may not enter the clone; what the shell's half would start in Node's place only fails.
  await copyFile(join(root, "apps", "cli", "bin", "tidemark"), dir.join("tidemark"));
  await writeFile(dir.join("tidemark.mjs"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
  return `${dir.join("tidemark")} wal push --config ${dir.join("host.json")} %p`;
}

export async function agentProcess({ dir, serverId, repositoryUrl, key }: AgentOptions): Promise<AgentProcess> {
  const user = await findServerUser();
  const spool = await serverFolder(dir, "spool");
  const repository = { url: repositoryUrl, key };
  const settings = { spool, serverId, repository, agent: "service", retrySeconds: 2, pushSeconds: 5 };
  const config = dir.join("host.json");
  await writeFile(config, `${JSON.stringify(settings, null, 2)}\n`, { mode: 0o600 });
  if (user !== null) await chown(config, user.uid, user.gid);
  let child: ChildProcess | null = null;
  return {
    get pids() {
      return child?.pid === undefined ? [] : [child.pid];
    },
    async start() {
      const args = [join(root, "apps", "cli", "src", "main.ts"), "wal", "agent", "--config", config];
      const started = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
      child = started;
      let said = "";
      started.stderr.on("data", (bytes) => (said = (said + String(bytes)).slice(-20_000)));
      const isOver = (): boolean => started.exitCode !== null || started.signalCode !== null;
      await waitFor(() => said.includes("the agent listens") || isOver(), { what: "the agent to listen" });
      if (isOver()) throw new Error(`the agent ended by itself:\n${said}`);
    },
    async kill() {
      const running = child;
      child = null;
      if (running === null) return;
      if (running.exitCode !== null) throw new Error(`the agent had ended by itself (${running.exitCode})`);
      const ended = once(running, "exit");
      running.kill("SIGKILL");
      await ended;
    },
  };
}
