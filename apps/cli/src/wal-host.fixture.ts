import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chown, copyFile, cp, readFile, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { createRepository, openRepository, type Repository, type RepositoryKey } from "@tidemark/repository";
import { FilesystemStore } from "@tidemark/storage";
import {
  adoptCluster,
  findServerUser,
  giveTree,
  identityOf,
  serverFolder,
  type TempDir,
  type TestServer,
  tempDir,
  waitFor,
} from "@tidemark/testkit";
import { type HostSettingsFile, hostSettingsText } from "./host-settings.ts";

/** A database host of a test: settings, the shell's half of the command, a repository, and an agent as a process of its own. */
export interface WalHost extends AsyncDisposable {
  readonly dir: TempDir;
  readonly config: string;
  readonly spool: string;
  readonly repositoryFolder: string;
  readonly archiveCommand: string;
  readonly restoreCommand: string;
  settings(changes: Partial<HostSettingsFile>): Promise<void>;
  startAgent(): Promise<Agent>;
  /** Opens the repository anew. */
  repository(): Promise<Repository>;
  /** Runs the command as PostgreSQL does, under its account, by the shell's half alone. */
  shell(cwd: string, ...args: string[]): Promise<Ended>;
  /** Runs the whole command, as ourselves. */
  command(cwd: string, ...args: string[]): Promise<Ended>;
  /** The calls that no agent answered, for which Node would have been started. */
  nodeStarts(): Promise<readonly string[]>;
  /** Starts a copy of a stopped server's data directory that recovers by `restoreCommand`. */
  recover(server: TestServer, base: string, name: string, more?: Readonly<Record<string, string>>): Promise<TestServer>;
}

export interface Ended {
  readonly code: number | null;
  readonly said: string;
}

export interface Agent {
  readonly child: ChildProcess;
  stop(): Promise<void>;
  kill(): Promise<void>;
}

const bin = resolve(import.meta.dirname, "../bin");

/** `hostKey`: of a host that is given a key for its WAL alone, as `tidemark server host-config` gives it one. */
export async function walHost(
  key: RepositoryKey | null = null,
  hostKey: (RepositoryKey & { readonly kind: "key-file" }) | null = null,
): Promise<WalHost> {
  const dir = await tempDir("host");
  const user = await findServerUser();
  const spool = await serverFolder(dir, "spool");
  const repositoryFolder = dir.join("repository");
  const config = dir.join("host.json");
  const agents = new Set<Agent>();
  const made = await createRepository(new FilesystemStore(repositoryFolder), { encryption: key ?? "none" });
  if (hostKey !== null) await made.keys?.add(hostKey, "host db1", "srv_host");
  await made.close();
  const ownKey = hostKey ?? key;
  // PostgreSQL's account may not be able to enter the clone; what the shell would start in Node's place only notes it.
  const program = dir.join("tidemark");
  await copyFile(join(bin, "tidemark"), program);
  const noted = join(spool, "node-starts");
  await writeFile(dir.join("tidemark.mjs"), `#!/bin/sh\necho "$@" >>'${noted}'\nexit 1\n`, { mode: 0o755 });
  const settings: HostSettingsFile = {
    spool,
    serverId: "srv_host",
    repository: { url: repositoryFolder, ...(ownKey === null ? {} : { key: ownKey.text.reveal() }) },
    agent: "service",
    retrySeconds: 2,
  };
  const write = async (changes: Partial<HostSettingsFile>): Promise<void> => {
    await writeFile(config, hostSettingsText({ ...settings, ...changes }), { mode: 0o600 });
    if (user !== null) await chown(config, user.uid, user.gid);
  };
  await write({});
  const run = async (command: string, args: readonly string[], cwd: string, asServer: boolean): Promise<Ended> => {
    const child = spawn(command, args, {
      cwd,
      stdio: ["ignore", "ignore", "pipe"],
      env: { PATH: process.env.PATH ?? "", TIDEMARK_CONFIG: config },
      ...(asServer ? identityOf(user) : {}),
    });
    let said = "";
    child.stderr.on("data", (bytes) => (said += String(bytes)));
    const [code] = (await once(child, "close")) as [number | null];
    return { code, said };
  };
  return {
    dir,
    config,
    spool,
    repositoryFolder,
    archiveCommand: `${program} wal push --config ${config} %p`,
    restoreCommand: `${program} wal fetch --config ${config} %f %p`,
    settings: write,
    async startAgent() {
      const agent = await startAgent(config);
      agents.add(agent);
      return agent;
    },
    repository: () => openRepository(new FilesystemStore(repositoryFolder), { key }),
    shell: (cwd, ...args) => run(program, args, cwd, true),
    command: (cwd, ...args) => run(join(bin, "tidemark"), args, cwd, false),
    async nodeStarts() {
      const text = await readFile(noted, "utf8").catch(() => "");
      return text.split("\n").filter((line) => line !== "");
    },
    async recover(server, base, name, more = {}) {
      const dataDir = dir.join(name);
      await cp(base, dataDir, { recursive: true });
      await writeFile(join(dataDir, "recovery.signal"), "");
      await giveTree(dataDir, user);
      const restoreCommand = `${program} wal fetch --config ${config} %f %p`;
      return await adoptCluster(dir, server, {
        dataDir,
        settings: { archive_mode: "off", restore_command: restoreCommand, fsync: false, ...more },
      });
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...agents].map((agent) => agent.kill()));
      await dir[Symbol.asyncDispose]();
    },
  };
}

async function startAgent(config: string): Promise<Agent> {
  const args = [resolve(import.meta.dirname, "main.ts"), "wal", "agent", "--config", config];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (bytes) => (said = (said + String(bytes)).slice(-20_000)));
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null;
  await waitFor(() => said.includes("the agent listens") || isOver(), { what: "the agent to listen" });
  if (isOver()) throw new Error(`the agent ended by itself:\n${said}`);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (isOver()) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  };
  return { child, stop: () => end("SIGTERM"), kill: () => end("SIGKILL") };
}

/** A cold copy of a stopped server: what a recovery begins with. */
export async function coldCopy(host: WalHost, server: TestServer): Promise<string> {
  const base = host.dir.join(`base-${basename(server.dataDir)}-${randomBytes(3).toString("hex")}`);
  await cp(server.dataDir, base, { recursive: true });
  return base;
}
