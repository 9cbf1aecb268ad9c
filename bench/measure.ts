import { execFile, spawn } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Resident } from "./resident.ts";

/** A program to run and measure. */
export interface Command {
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** An order to a process that is there already. */
export interface ResidentAct {
  readonly resident: Resident;
  readonly order: object;
}

export type Act = Command | ResidentAct;

export interface Measured {
  readonly ok: boolean;
  /** Of the command, or from the order to its answer. */
  readonly wallSeconds: number;
  /** What `sync -f` of the scratch file system took right afterwards: what the act left to others. */
  readonly syncSeconds: number;
  /** User and system time of the command and what it started; of a resident process meanwhile. */
  readonly clientSeconds: number;
  /** The same of all of PostgreSQL's processes meanwhile. */
  readonly serverSeconds: number;
  /** Largest sum over the processes of the act, sampled ten times a second. */
  readonly peakBytes: number;
}

export interface MeasuringPlaces {
  readonly log: string;
  readonly workDir: string;
  readonly postmaster: number | null;
}

/** Performs an act to its end. Output goes to the log; the figures are of this act alone. */
export async function measure(act: Act, { log, workDir, postmaster }: MeasuringPlaces): Promise<Measured> {
  const pid = "resident" in act ? await act.resident.start() : null;
  await run("sync", []);
  const client = pid === null ? reapedSeconds : () => cpuOf(pid);
  const serverBefore = postmaster === null ? 0 : cpuOf(postmaster);
  const clientBefore = client();
  const startedAt = performance.now();
  const { pid: running, done } =
    "resident" in act ? { pid, done: act.resident.perform(act.order) } : runCommand(act, log);
  let peakBytes = 0;
  const sample = () => {
    peakBytes = Math.max(peakBytes, memoryOf(running ?? -1));
  };
  const sampling = setInterval(sample, 100);
  const ok = await done;
  const wallSeconds = (performance.now() - startedAt) / 1000;
  const clientSeconds = client() - clientBefore;
  // What stays there counts, however short the act was.
  if (pid !== null) sample();
  clearInterval(sampling);
  const syncedAt = performance.now();
  await run("sync", ["-f", workDir]);
  return {
    ok,
    wallSeconds,
    syncSeconds: (performance.now() - syncedAt) / 1000,
    clientSeconds,
    serverSeconds: postmaster === null ? 0 : cpuOf(postmaster) - serverBefore,
    peakBytes,
  };
}

function runCommand({ argv, env }: Command, logFile: string): { pid: number | null; done: Promise<boolean> } {
  const log = openSync(logFile, "a");
  const [program = "", ...rest] = argv;
  const child = spawn(program, rest, { env: { ...process.env, ...env }, stdio: ["ignore", log, log] });
  closeSync(log);
  const done = new Promise<boolean>((resolve) => {
    child.once("error", () => resolve(false));
    child.once("exit", (exit) => resolve(exit === 0));
  });
  return { pid: child.pid ?? null, done };
}

/** Bytes of all files below a folder, each counted once however many names it has. */
export function sizeOf(folder: string): number {
  const seen = new Set<number>();
  let bytes = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const { ino, size } = statSync(join(entry.parentPath, entry.name));
    if (seen.has(ino)) continue;
    seen.add(ino);
    bytes += size;
  }
  return bytes;
}

/** User and system time of everything on this machine since it started (proc(5), /proc/stat). */
export function machineSeconds(): number {
  const [line = ""] = readFileSync("/proc/stat", "latin1").split("\n");
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line.trim().split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq) / ticksPerSecond;
}

const run = promisify(execFile);
/** USER_HZ of every usual Linux (proc(5)). */
const ticksPerSecond = 100;
const pageBytes = 4096;

interface ProcessFacts {
  readonly parent: number;
  /** Own and reaped children's, user and system. */
  readonly ticks: number;
  readonly residentBytes: number;
}

/** /proc/PID/stat (proc(5)): fields from the third on stand behind the last parenthesis. */
function factsOf(pid: number): ProcessFacts | null {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = line
      .slice(line.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number);
    const [utime = 0, stime = 0, cutime = 0, cstime = 0] = fields.slice(11, 15);
    return {
      parent: fields[1] ?? 0,
      ticks: utime + stime + cutime + cstime,
      residentBytes: (fields[21] ?? 0) * pageBytes,
    };
  } catch {
    return null;
  }
}

/** The process and all below it. */
function tree(root: number): readonly ProcessFacts[] {
  const all = new Map<number, ProcessFacts>();
  for (const name of readdirSync("/proc")) {
    const facts = /^\d+$/.test(name) ? factsOf(Number(name)) : null;
    if (facts !== null) all.set(Number(name), facts);
  }
  const belongs = (pid: number): boolean => {
    for (let at = pid; at > 1; at = all.get(at)?.parent ?? 0) if (at === root) return true;
    return false;
  };
  return [...all].filter(([pid]) => belongs(pid)).map(([, facts]) => facts);
}

/** Of the process and all below it, in bytes. */
export function memoryOf(root: number): number {
  return tree(root).reduce((sum, { residentBytes }) => sum + residentBytes, 0);
}

function cpuOf(root: number): number {
  return tree(root).reduce((sum, { ticks }) => sum + ticks, 0) / ticksPerSecond;
}

/** What ended children of this process have used. */
function reapedSeconds(): number {
  const line = readFileSync("/proc/self/stat", "latin1");
  const fields = line
    .slice(line.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  return ((fields[13] ?? 0) + (fields[14] ?? 0)) / ticksPerSecond;
}
