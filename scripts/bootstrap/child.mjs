// Runs other programs for the scripts in this folder. Plain JavaScript for Node 20, since it runs before we have 24.
import { spawn } from "node:child_process";
import { createWriteStream, existsSync, mkdirSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The clone. */
export const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const binDir = join(root, "node_modules", ".bin");

/** Where Node keeps what it compiled of the sources: the second start of a program takes half the time of the first. */
export const compileCache = join(root, "node_modules", ".cache", "tidemark", "compiled");

/** The environment for programs of ours: `node_modules/.bin` first, so that `node` is Node 24. */
export function environment(extra = {}) {
  return {
    ...process.env,
    PATH: `${binDir}${delimiter}${process.env.PATH ?? ""}`,
    // Prisma's own schema engine would be downloaded; we use the one that is an npm package (see packages/metadata).
    PRISMA_SCHEMA_ENGINE_BINARY: ["/bin/true", "/usr/bin/true"].find(existsSync) ?? process.execPath,
    NEXT_TELEMETRY_DISABLED: "1",
    TURBO_TELEMETRY_DISABLED: "1",
    DO_NOT_TRACK: "1",
    CHECKPOINT_DISABLE: "1",
    ...extra,
  };
}

/**
 * Runs a program to its end. Its output goes to `log` in full, and the last 200 kB of it are given back.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, log?: string, environment?: Record<string, string>, timeoutMs?: number }} [options]
 * @returns {Promise<{ exitCode: number | null, output: string, durationMs: number }>} `exitCode` is null when a signal
 * ended it or it could not be run.
 */
export function run(command, args, options = {}) {
  const startedMs = performance.now();
  const log = options.log === undefined ? null : openLog(options.log);
  log?.write(`$ ${command} ${args.join(" ")}\n`);
  return new Promise((resolvePromise) => {
    const child = spawn(command, args, {
      cwd: options.cwd ?? root,
      env: environment(options.environment),
      stdio: ["ignore", "pipe", "pipe"],
      shell: process.platform === "win32",
    });
    let output = "";
    const take = (text) => {
      output = (output + text).slice(-200_000);
      log?.write(text);
    };
    child.stdout.setEncoding("utf8").on("data", take);
    child.stderr.setEncoding("utf8").on("data", take);
    const tooLong = () => {
      take(`\n${command} took longer than ${options.timeoutMs / 60_000} min and was ended\n`);
      child.kill("SIGTERM");
    };
    const timer = options.timeoutMs === undefined ? null : setTimeout(tooLong, options.timeoutMs);
    const finish = (exitCode) => {
      if (timer !== null) clearTimeout(timer);
      log?.end();
      resolvePromise({ exitCode, output, durationMs: performance.now() - startedMs });
    };
    child.on("error", (error) => {
      take(`${command} could not be run: ${error.message}\n`);
      finish(null);
    });
    child.on("close", finish);
  });
}

/** Whether PATH has a program of that name. */
export function hasProgram(name) {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => folder !== "" && existsSync(join(folder, name)));
}

function openLog(path) {
  mkdirSync(dirname(path), { recursive: true });
  return createWriteStream(path);
}
