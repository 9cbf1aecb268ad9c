import { spawn } from "node:child_process";
import { once } from "node:events";
import { basename, resolve } from "node:path";
import {
  askAgent,
  fetchWal,
  identityOf,
  PushLanes,
  pushWal,
  servesSettings,
  startWalAgent,
  type WalPushDeps,
} from "@tidemark/engine/wal-host";
import { AppError, describeError, maskSecrets, newId, systemClock } from "@tidemark/kit";
import { createLogger } from "@tidemark/kit/logger";
import { type Command, InvalidArgumentError } from "commander";
import type { Register } from "../command-line.ts";
import type { CommandContext, CommonOptions } from "../context.ts";
import { exitCodes } from "../exit-code.ts";
import { HostRepositories } from "../host-repositories.ts";
import { type HostSettings, readHostSettings } from "../host-settings.ts";
import type { PushLaneData } from "../push-lane.worker.ts";
import { version } from "../version.ts";

const configHelp = "the settings of this host (`tidemark server host-config` writes them); else TIDEMARK_CONFIG";

interface WalOptions extends CommonOptions {
  readonly config?: string;
}

/** What runs on a database host. PostgreSQL's calls come by bin/tidemark, which asks the agent first. */
export function addWalCommands(root: Command, context: CommandContext, register: Register): void {
  const wal = root.command("wal").description("archive and fetch WAL on the host of a server, without a control plane");
  register(
    wal
      .command("push <path>")
      .description("archive_command = 'tidemark wal push %p': store a file, durably, before it answers")
      .option("--config <file>", configHelp),
    (path, options) => push(context, path as string, options as WalOptions),
  );
  register(
    wal
      .command("fetch <file> <path>")
      .description(
        "restore_command = 'tidemark wal fetch %f %p': 0 it is there, 1 there is none, above 125 could not ask",
      )
      .option("--config <file>", configHelp)
      .option(
        "--partial",
        "of a segment that was never whole, what there is of it: the last seconds of a lost primary",
      ),
    (file, path, options) => fetch(context, file as string, path as string, options as FetchOptions),
  );
  register(
    wal
      .command("agent")
      .description("archive and fetch on request, several files at a time; runs until it is stopped")
      .option("--config <file>", configHelp)
      .option("--idle <seconds>", "end when nobody asked for so long", parseSeconds),
    (options) => runAgent(context, options as AgentOptions),
  );
}

async function push(context: CommandContext, path: string, options: WalOptions): Promise<number> {
  const settings = readHostSettings(context.environment, options.config);
  const file = resolve(path);
  if (await servesSettings(settings.spool, await identityOf(settings.file))) {
    try {
      await askAgent(settings.socket, file, basename(file));
      return exitCodes.done;
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== "agent-unreachable") throw error;
    }
  }
  await using repositories = new HostRepositories(settings, context.environment);
  const deps: WalPushDeps = { owners: await repositories.pushTo(), writer: writerName() };
  await pushWal(deps, file, AbortSignal.timeout(settings.pushSeconds * 1000));
  startAgentBeside(settings);
  return exitCodes.done;
}

interface FetchOptions extends WalOptions {
  readonly partial?: boolean;
}

async function fetch(context: CommandContext, file: string, path: string, options: FetchOptions): Promise<number> {
  // Not "there is none", whatever happens: bin/tidemark asks for another number, since Node itself ends with 1, too.
  const notThere = Number(context.environment.TIDEMARK_NOT_THERE ?? "1");
  try {
    const settings = readHostSettings(context.environment, options.config);
    await using repositories = new HostRepositories(settings, context.environment);
    const found = await fetchWal(
      { places: repositories.fetchFrom(), clock: systemClock },
      {
        name: file,
        to: resolve(path),
        dataDirectory: process.cwd(),
        partial: options.partial === true,
        retryMs: settings.retrySeconds * 1000,
        // PostgreSQL ends its restore_command with the recovery (SIGTERM), which ends this process on the spot.
        signal: new AbortController().signal,
      },
    );
    startAgentBeside(settings);
    return found === "found" ? exitCodes.done : notThere;
  } catch (error) {
    const { code, message, hint } = describeError(error);
    const { note } = context.output(options.output);
    note(`tidemark: ${file} could not be asked for: ${maskSecrets(message)} [${code}]\n`);
    if (hint !== null) note(`  ${hint}\n`);
    return exitCodes.couldNotAsk;
  }
}

interface AgentOptions extends WalOptions {
  readonly idle?: number;
}

async function runAgent(context: CommandContext, options: AgentOptions): Promise<number> {
  const settings = readHostSettings(context.environment, options.config);
  // Of what was just read: should the file be another by now, no acknowledgement is worth anything, and that is right.
  const settingsIdentity = await identityOf(settings.file);
  await using repositories = new HostRepositories(settings, context.environment);
  const workerData: PushLaneData = { settings, environment: { ...context.environment } };
  const lanes = new PushLanes({ script: laneScript, workerData, lanes: settings.parallel });
  await using _lanes = { [Symbol.asyncDispose]: () => lanes.close() };
  const agent = await startWalAgent(
    {
      spool: settings.spool,
      socket: settings.socket,
      parallel: settings.parallel,
      prefetch: settings.prefetch,
      retryMs: settings.retrySeconds * 1000,
      idleMs: options.idle === undefined ? null : options.idle * 1000,
      version,
    },
    {
      push: (path) => {
        // All of them with the first file: more will be ready. An agent that only fetches needs none (25 MiB each).
        lanes.start();
        return lanes.push(path);
      },
      places: repositories.fetchFrom(),
      settingsIdentity,
      readSettingsIdentity: () => identityOf(settings.file),
      clock: systemClock,
      logger: createLogger({ name: "wal-agent" }),
    },
  );
  context.output(options.output).note(`the agent listens on ${settings.socket}\n`);
  const stopped = new AbortController();
  await Promise.race([
    agent.idle,
    once(process, "SIGTERM", { signal: stopped.signal }),
    once(process, "SIGINT", { signal: stopped.signal }),
  ]);
  stopped.abort();
  await agent.stop();
  return exitCodes.done;
}

const laneScript = new URL("../push-lane.worker.ts", import.meta.url);

/**
 * Starts an agent for the calls that follow, unless somebody else sees to that. It lives on by itself and ends when nobody
 * asks any more; of two that start at once the second ends at once.
 */
function startAgentBeside(settings: HostSettings): void {
  if (settings.agent !== "auto") return;
  const args = [
    resolve(import.meta.dirname, "../../bin/tidemark.mjs"),
    "wal",
    "agent",
    "--config",
    settings.file,
    "--idle",
    `${idleSeconds}`,
  ];
  // Without PostgreSQL's standard error: holding it open would keep its log collector from ending.
  const child = spawn(process.execPath, args, { detached: true, stdio: "ignore", cwd: "/" });
  child.on("error", () => undefined);
  child.unref();
}

const idleSeconds = 600;

/** No two processes write under one name. */
function writerName(): string {
  return newId("instance");
}

function parseSeconds(text: string): number {
  if (/^\d{1,6}$/.test(text) && Number(text) > 0) return Number(text);
  throw new InvalidArgumentError("a number of seconds");
}
