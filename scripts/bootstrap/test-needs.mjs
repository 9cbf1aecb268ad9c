// What the tests need beside npm packages: PostgreSQL 13–18 (npm), Redis, PostgreSQL 15's client programs, two object stores, our
// archive module for 15, 17 and 18, and a browser.
// What cannot be had is a failure with a sentence, never a silent skip.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { hasProgram, root, run } from "./child.mjs";
import { phase } from "./phase.mjs";

const isRoot = process.getuid?.() === 0;

/** @returns {Promise<{ passed: number, failed: number, skipped: number }>} one failure for each need that is not met */
export async function ensureTestServers(logDir) {
  let failed = 0;
  for (const [title, ensure] of [
    ["PostgreSQL 13–18", ensurePostgres],
    ["Redis", ensureRedis],
    ["PostgreSQL 15's pg_verifybackup", ensureClientPrograms],
    ["object stores: OpenStack Swift, Ceph's S3 gateway", ensureObjectStores],
    ["age and lz4", ensureOtherReaders],
    ["the archive module, built for PostgreSQL 15, 17 and 18", ensureArchiveModule],
  ]) {
    const problem = await phase(title, async () => (await ensure(logDir)) ?? "ready").catch((error) => error.message);
    if (problem !== "ready") failed++;
  }
  return { passed: 0, failed, skipped: 0 };
}

/** Fetches and runs every major once, two at a time, with the product's own code. */
async function ensurePostgres(logDir) {
  const program = join(root, "packages", "testkit", "src", "fetch-postgres.ts");
  const result = await run("node", [program], { log: join(logDir, "postgres.log") });
  return result.exitCode === 0 ? undefined : `FAILED: ${lastLine(result.output)}`;
}

async function ensureRedis(logDir) {
  const present = () => hasProgram("redis-server") || hasProgram("valkey-server");
  if (present()) return undefined;
  const why = await aptInstall("redis-server", logDir);
  if (present()) return undefined;
  return `FAILED: neither redis-server nor valkey-server is in PATH; install one (${why})`;
}

async function ensureClientPrograms(logDir) {
  const places = ["/usr/lib/postgresql/15/bin/pg_verifybackup", "/usr/pgsql-15/bin/pg_verifybackup"];
  const present = () => places.some(existsSync);
  if (present()) return undefined;
  const why = await aptInstall("postgresql-15", logDir);
  if (present()) return undefined;
  return `FAILED: pg_verifybackup of PostgreSQL 15 is not here; install postgresql-15 (${why})`;
}

/** The stock programs that what we write is read with: key slots by age, compressed frames by lz4. */
async function ensureOtherReaders(logDir) {
  for (const name of ["age", "lz4"]) {
    if (hasProgram(name)) continue;
    const why = await aptInstall(name, logDir);
    if (!hasProgram(name)) return `FAILED: ${name} is not in PATH; install it (${why})`;
  }
  return undefined;
}

/** A compiler, make, and each major's headers, which the build takes out of Debian's packages where they are not installed. */
async function ensureArchiveModule(logDir) {
  for (const name of ["gcc", "make"]) {
    if (hasProgram(name)) continue;
    // Without recommended packages gcc comes without the C library's headers.
    const why = await aptInstall(`${name} libc6-dev`, logDir);
    if (!hasProgram(name)) return `FAILED: ${name} is not in PATH; install it (${why})`;
  }
  const program = join(root, "native", "archive-module", "scripts", "build.mjs");
  for (const major of ["15", "17", "18"]) {
    const result = await run("node", [program, "--major", major], { log: join(logDir, `archive-module-${major}.log`) });
    if (result.exitCode !== 0) return `FAILED: ${lastLine(result.output)}`;
  }
  return undefined;
}

/**
 * Two independent stores that speak S3 (packages/testkit/src/object-servers). Elsewhere than on Debian, or without root,
 * their tests are skipped, which those tests say loudly; in CI that would hide a missing install step, so there it fails.
 */
async function ensureObjectStores(logDir) {
  const needs = [
    { program: "/usr/bin/swift-object-server", packages: "swift-proxy swift-account swift-container swift-object" },
    { program: "/usr/bin/radosgw", packages: "radosgw ceph-mon ceph-osd" },
  ];
  const problems = [];
  for (const { program, packages } of needs) {
    if (existsSync(program)) continue;
    const why = await aptInstall(packages, logDir);
    if (!existsSync(program)) problems.push(`${packages} (${why})`);
  }
  if (problems.length === 0) return undefined;
  const sentence = `not here: ${problems.join("; ")}`;
  if (process.env.CI === "true" || process.env.CI === "1") return `FAILED: ${sentence}`;
  console.log(`  NOT TESTED, since a store to test with is missing: ${sentence}`);
  return undefined;
}

/**
 * Playwright's own browser where it is or can be installed, else Debian's chromium.
 *
 * @returns {Promise<{ sentence: string, environment: Record<string, string> | null }>} the environment tells
 * e2e/playwright.config.ts: TIDEMARK_E2E_CHROMIUM is the path of a browser to use instead of Playwright's own; it is
 * null when there is none.
 */
export async function findBrowser(logDir) {
  if (await ownBrowserRuns(logDir)) return { sentence: "Playwright's own chromium", environment: {} };
  const system = () => ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
  const use = (path, how) => ({ sentence: `${path}${how}`, environment: { TIDEMARK_E2E_CHROMIUM: path } });
  const found = system();
  if (found !== undefined) return use(found, "");
  const download = await run("playwright", ["install", "chromium"], {
    log: join(logDir, "browser.log"),
    timeoutMs: 240_000,
  });
  if (download.exitCode === 0 && (await ownBrowserRuns(logDir))) {
    return { sentence: "Playwright's own chromium, fetched now", environment: {} };
  }
  const why = await aptInstall("chromium", logDir);
  const installed = system();
  if (installed !== undefined) return use(installed, ", installed with apt-get now");
  const sentence = `FAILED: there is no browser: Playwright's could not be fetched, and chromium is not installed (${why})`;
  return { sentence, environment: null };
}

async function ownBrowserRuns(logDir) {
  const script =
    "const { chromium } = await import('@playwright/test'); await (await chromium.launch({ args: ['--no-sandbox'] })).close();";
  const options = { cwd: join(root, "e2e"), log: join(logDir, "browser-probe.log"), timeoutMs: 60_000 };
  return (await run("node", ["--input-type=module", "-e", script], options)).exitCode === 0;
}

let listsUpdated = false;

/** Installs Debian packages (names with spaces between) when we may; says in a few words what stood in the way, or that it was done. */
async function aptInstall(name, logDir) {
  if (!hasProgram("apt-get")) return "this is no Debian, so it was not installed for you";
  if (!isRoot) return `not root, so it was not installed for you; run: sudo apt-get install ${name}`;
  const log = join(logDir, `apt-${name.split(" ")[0]}.log`);
  const environment = { DEBIAN_FRONTEND: "noninteractive" };
  if (!listsUpdated) await run("apt-get", ["update"], { log: join(logDir, "apt-update.log"), environment });
  listsUpdated = true;
  const quiet = ["-o", "Dpkg::Options::=--force-confold", "-y", "--no-install-recommends"];
  // Runlevel 1: the packages bring services that nobody here asked to run (invoke-rc.d respects it).
  const result = await run("apt-get", ["install", ...quiet, ...name.split(" ")], {
    log,
    environment: { ...environment, RUNLEVEL: "1" },
  });
  return result.exitCode === 0 ? "installed with apt-get" : `apt-get failed: ${lastLine(result.output)}; see ${log}`;
}

function lastLine(output) {
  return output.trim().split("\n").at(-1) ?? "";
}
