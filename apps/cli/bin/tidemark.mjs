#!/usr/bin/env node
// Runs the command on Node 24 whatever Node the shell found: the sources are TypeScript, which older ones cannot run.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import * as module from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const main = join(dirname(fileURLToPath(import.meta.url)), "..", "src", "main.ts");

// What is compiled once need not be the next time (scripts/bootstrap/child.mjs has the same place): half of a short command.
const clone = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
const compileCache = join(clone, "node_modules", ".cache", "tidemark", "compiled");

if (Number(process.versions.node.split(".")[0]) >= 24) {
  module.enableCompileCache?.(compileCache);
  await import(main);
} else {
  const node = findNode24();
  if (node === null) {
    process.stderr.write("tidemark needs Node.js 24, which the install step brings: run `npm ci` in the clone first\n");
    process.exit(3);
  }
  const child = spawn(node, [main, ...process.argv.slice(2)], {
    stdio: "inherit",
    env: { NODE_COMPILE_CACHE: compileCache, ...process.env },
  });
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
