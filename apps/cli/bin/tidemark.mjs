#!/usr/bin/env node
// Runs the command on Node 24 whatever Node the shell found: the sources are TypeScript, which older ones cannot run.
import { spawn } from "node:child_process";
import { accessSync, constants, existsSync, mkdirSync } from "node:fs";
import * as module from "node:module";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const main = join(dirname(fileURLToPath(import.meta.url)), "..", "src", "main.ts");

// What is compiled once need not be the next time (scripts/bootstrap/child.mjs has the same place): half of a short command.
const clone = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
const compileCache = findCompileCache();

const args = process.argv.slice(2);

if (Number(process.versions.node.split(".")[0]) >= 24) {
  module.enableCompileCache?.(compileCache);
  // For threads: without it each of an agent's compiles all that it loads, for 0.4 s and 25 MiB (measured 2026-11).
  process.env.NODE_COMPILE_CACHE ??= compileCache;
  if (isDirectRestore()) {
    // The C library reads its settings once, as a process begins; the others need none and are not kept waiting.
    const { boundedMemory } = await import("@tidemark/kit/bounded-memory");
    const settings = { NODE_COMPILE_CACHE: compileCache, ...boundedMemory.environment };
    run(process.execPath, [...process.execArgv, ...boundedMemory.nodeFlags, main, ...args], settings);
  } else await import(main);
} else {
  const node = findNode24();
  if (node === null) {
    process.stderr.write("tidemark needs Node.js 24, which the install step brings: run `npm ci` in the clone first\n");
    process.exit(3);
  }
  run(node, [fileURLToPath(import.meta.url), ...args], { NODE_COMPILE_CACHE: compileCache });
}

/** In the clone; for an account that may not write there, as PostgreSQL's on a database host, in its own home. */
function findCompileCache() {
  const inClone = join(clone, "node_modules", ".cache", "tidemark", "compiled");
  try {
    mkdirSync(inClone, { recursive: true });
    accessSync(inClone, constants.W_OK);
    return inClone;
  } catch {
    return join(homedir(), ".cache", "tidemark", "compiled");
  }
}

/** The one act of a worker that the command does itself. */
function isDirectRestore() {
  return args.some((arg, index) => arg === "restore" && args[index + 1] === "direct");
}

/** Another process instead of this one; what the environment says already counts. */
function run(node, nodeArgs, environment) {
  const child = spawn(node, nodeArgs, { stdio: "inherit", env: { ...environment, ...process.env } });
  // The terminal sends Ctrl-C to the whole group; staying alive lets the child decide what it means.
  process.on("SIGINT", () => undefined);
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function findNode24() {
  try {
    const require = module.createRequire(import.meta.url);
    const binary = join(
      dirname(require.resolve("node/package.json")),
      "bin",
      process.platform === "win32" ? "node.exe" : "node",
    );
    return existsSync(binary) ? binary : null;
  } catch {
    return null;
  }
}
