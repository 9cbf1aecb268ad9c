import { type ChildProcess, spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { identifyProcess, type ProcessIdentity } from "@tidemark/kit";
import { type ChildLog, importantLine } from "./child-log.ts";

export interface ProcessSpec {
  readonly name: string;
  /** Script and arguments for Node. */
  readonly args: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  /** How long after SIGTERM it is killed. */
  readonly stopGraceMs: number;
}

export interface SupervisedProcess {
  readonly name: string;
  /** Null while it is down. */
  identity(): ProcessIdentity | null;
  /** SIGTERM, then SIGKILL after the grace; resolves when it has ended. It is not restarted. */
  stop(): Promise<void>;
  /** SIGKILL now. */
  kill(): void;
  signal(name: NodeJS.Signals): void;
}

export interface SuperviseDeps {
  readonly log: ChildLog;
  readonly onWarning: (text: string) => void;
  /** Told whenever the set of living processes changed, so that it can be written down. */
  readonly onChange: () => void;
}

/**
 * Keeps one child running. States: running → (died) → waiting out the back-off → running …, until `stop` or `kill`.
 * The back-off doubles from half a second to half a minute and starts anew after a minute of good running.
 */
export function superviseProcess(spec: ProcessSpec, deps: SuperviseDeps): SupervisedProcess {
  let child: ChildProcess | null = null;
  let identity: ProcessIdentity | null = null;
  let stopping = false;
  let failures = 0;
  let restartTimer: NodeJS.Timeout | null = null;
  let ended: Promise<void> = Promise.resolve();

  const start = () => {
    const startedAt = performance.now();
    const started = launch(spec, deps.log);
    child = started;
    identity = started.pid === undefined ? null : identifyProcess(started.pid);
    deps.onChange();
    ended = new Promise((resolve) => {
      let done = false;
      const finish = (reason: string) => {
        if (done) return;
        done = true;
        child = null;
        identity = null;
        deps.onChange();
        resolve();
        if (stopping) return;
        failures = performance.now() - startedAt > goodRunMs ? 1 : failures + 1;
        const waitMs = Math.min(firstBackoffMs * 2 ** (failures - 1), longestBackoffMs);
        showLog(deps, spec.name);
        deps.onWarning(
          `${spec.name} ended (${reason}); it is started again in ${waitMs / 1000} s; log: ${deps.log.path}`,
        );
        restartTimer = setTimeout(start, waitMs);
      };
      started.once("exit", (code, signal) => finish(signal ?? `exit code ${code}`));
      started.once("error", (error) => finish(error.message));
    });
  };
  start();

  const follow = setInterval(() => showLog(deps, spec.name), followEveryMs);
  const endSupervision = () => {
    stopping = true;
    clearInterval(follow);
    if (restartTimer !== null) clearTimeout(restartTimer);
  };

  return {
    name: spec.name,
    identity: () => identity,
    async stop() {
      endSupervision();
      child?.kill("SIGTERM");
      const killer = setTimeout(() => child?.kill("SIGKILL"), spec.stopGraceMs);
      await ended;
      clearTimeout(killer);
    },
    kill() {
      endSupervision();
      child?.kill("SIGKILL");
    },
    signal(name) {
      child?.kill(name);
    },
  };
}

function launch(spec: ProcessSpec, log: ChildLog): ChildProcess {
  const output = log.openForChild();
  try {
    return spawn(process.execPath, ["--import", exitWithParent, ...spec.args], {
      cwd: spec.cwd,
      env: { ...spec.environment },
      // A group of its own: Ctrl-C in the terminal reaches the supervisor alone, which stops the children in order.
      detached: true,
      stdio: ["ignore", output, output, "ipc"],
    });
  } finally {
    closeSync(output);
  }
}

function showLog(deps: SuperviseDeps, name: string): void {
  for (const line of deps.log.follow()) {
    const important = importantLine(line);
    if (important !== null) deps.onWarning(`${name}: ${important}`);
  }
}

const exitWithParent = new URL("./exit-with-parent.mjs", import.meta.url).href;
const firstBackoffMs = 500;
const longestBackoffMs = 30_000;
const goodRunMs = 60_000;
const followEveryMs = 500;
