// `npm start` on any Node from 20 on: installs, generates and builds what changed, then hands over to Node 24.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { join } from "node:path";
import { compileCache, environment, root } from "./bootstrap/child.mjs";
import { Failure, main } from "./bootstrap/failure.mjs";
import { ensureInstalled } from "./bootstrap/install.mjs";
import { buildWeb } from "./build-web.mjs";
import { generate } from "./generate.mjs";

/** One Ctrl-C can reach us twice (the terminal's process group, and npm passing it on); a second press is later. */
const sameSignalWithinMs = 250;

await main(async () => {
  const logDir = join(root, "node_modules", ".cache", "tidemark", "start-logs");
  await ensureInstalled(logDir);
  await generate(logDir);
  await buildWeb(logDir);
  return await handOver();
});

/** Runs the supervisor, passes signals on to it, and ends as it ends. */
function handOver() {
  return new Promise((resolve, reject) => {
    const program = join(root, "node_modules", "node", "bin", process.platform === "win32" ? "node.exe" : "node");
    const child = spawn(program, [join(root, "apps", "start", "src", "main.ts"), ...process.argv.slice(2)], {
      cwd: root,
      // The supervisor stops in order when this process is killed, since nobody could stop it any more.
      env: environment({ NODE_COMPILE_CACHE: compileCache, TIDEMARK_BOOTSTRAP: String(process.pid) }),
      stdio: "inherit",
      // A process group of its own: the terminal's Ctrl-C comes to us alone, and we decide what the supervisor hears.
      detached: process.platform !== "win32",
    });
    let last = { signal: "", atMs: Number.NEGATIVE_INFINITY };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
      process.on(signal, () => {
        const atMs = performance.now();
        if (signal === last.signal && atMs - last.atMs < sameSignalWithinMs) return;
        last = { signal, atMs };
        child.kill(signal);
      });
    }
    passOnDeathOfNpm(() => child.kill("SIGTERM"));
    child.on("error", (error) =>
      reject(
        new Failure("install-failed", `Node 24 cannot be run: ${error.message}`, "delete node_modules and try again"),
      ),
    );
    child.on("exit", (code, signal) => resolve(code ?? 128 + (constants.signals[signal] ?? 0)));
  });
}

/**
 * npm runs us through a shell that does not pass SIGTERM on, so ending npm would leave everything running without it.
 * We notice by being given another parent. Started without npm we are left alone: `nohup` and `&` keep working.
 */
function passOnDeathOfNpm(stop) {
  if (process.env.npm_lifecycle_event !== "start") return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    stop();
  }, 500);
  watch.unref();
}
