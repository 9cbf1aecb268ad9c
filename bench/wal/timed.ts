import { execFile, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { promisify } from "node:util";
import { machineSeconds, memoryOf } from "../measure.ts";
import type { BenchSettings } from "../settings.ts";

export interface Timed {
  readonly wallSeconds: number;
  readonly syncSeconds: number;
  readonly machineSeconds: number;
  readonly peakBytes: number | null;
}

/**
 * Times an act, and the sync behind it. `act` answers the seconds it took, when it knows them better, and may call `begin` where
 * what counts begins. `pid` says whose memory is looked at, ten times a second.
 */
export async function timed(
  { workDir }: BenchSettings,
  act: (begin: () => void) => Promise<number | null>,
  pid: () => number | null = () => null,
): Promise<Timed> {
  await run("sync", []);
  let peakBytes = 0;
  const sampling = setInterval(() => {
    const root = pid();
    if (root !== null) peakBytes = Math.max(peakBytes, memoryOf(root));
  }, 100);
  let machineBefore = machineSeconds();
  let startedAt = performance.now();
  try {
    const own = await act(() => {
      machineBefore = machineSeconds();
      startedAt = performance.now();
    });
    const wallSeconds = own ?? (performance.now() - startedAt) / 1000;
    const syncedAt = performance.now();
    await run("sync", ["-f", workDir]);
    return {
      wallSeconds,
      syncSeconds: (performance.now() - syncedAt) / 1000,
      machineSeconds: machineSeconds() - machineBefore,
      peakBytes: peakBytes === 0 ? null : peakBytes,
    };
  } finally {
    clearInterval(sampling);
  }
}

/** A program that ends by itself, and what it said. */
export interface Running {
  readonly pid: number;
  /** Rejects when it ends with anything but 0. */
  readonly ended: Promise<string>;
  end(signal?: NodeJS.Signals): Promise<void>;
}

export function begin(argv: readonly string[], log: string, env: Readonly<Record<string, string>> = {}): Running {
  const [program = "", ...rest] = argv;
  const output = openSync(log, "w");
  const child = spawn(program, rest, { env: { ...process.env, ...env }, stdio: ["ignore", output, output] });
  closeSync(output);
  const exited = new Promise<number | null>((resolve) => {
    child.once("error", () => resolve(null));
    child.once("exit", (code) => resolve(code));
  });
  const ended = exited.then((code) => {
    const said = readFileSync(log, "utf8");
    if (code !== 0)
      throw new Error(`${program} ended with ${code}: ${said.trimEnd().split("\n").slice(-6).join("\n  ")}`);
    return said;
  });
  // Who ends it does not ask how.
  ended.catch(() => undefined);
  return {
    pid: child.pid ?? -1,
    ended,
    end: async (signal = "SIGTERM") => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await exited;
    },
  };
}

const run = promisify(execFile);
