import { rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { describeError } from "@tidemark/kit";
import { findPostgres, freePort, type PostgresInstallation } from "@tidemark/local-postgres";
import { migrate } from "@tidemark/metadata";
import { ensureAccess } from "./access.ts";
import { apiProcess, loopbackOf, webProcess, workerProcess } from "./children.ts";
import type { StartSettings } from "./config.ts";
import type { ConsoleReport } from "./console-report.ts";
import { localSecret, startEmbeddedDatabase } from "./embedded-database.ts";
import { type HomePaths, prepareHome } from "./home.ts";
import { acquireHomeLock, type HomeLock } from "./home-lock.ts";
import { type KeptCluster, keepCluster } from "./keep-cluster.ts";
import { requireFreePort } from "./port-check.ts";
import { endChildren, readRoll, sendTo } from "./process-roll.ts";
import { type Provision, startProvision } from "./provision.ts";
import { awaitReady } from "./readiness.ts";
import { sayReady } from "./say-ready.ts";
import type { StopRequests } from "./stop-requests.ts";
import { createSupervisor, type Supervisor } from "./supervisor.ts";

export interface Product {
  /** worker → api → web → demo → PostgreSQL. */
  stop(): Promise<void>;
  /** Everything at once. */
  kill(): Promise<void>;
}

/** What was brought up so far; taken down in the reverse order whatever happens. */
interface Parts {
  readonly supervisor: Supervisor;
  readonly lock: HomeLock;
  readonly stops: { readonly name: string; readonly stop: () => Promise<void>; readonly kill: () => Promise<void> }[];
}

/**
 * Brings the whole product up and returns when it is ready; the demo goes on being made in the background. Throws one
 * sentence about what kept it from starting, after everything that was started is stopped again.
 */
export async function startProduct(
  settings: StartSettings,
  inherited: NodeJS.ProcessEnv,
  report: ConsoleReport,
  stop: StopRequests,
): Promise<Product> {
  const startedMs = performance.now();
  sayWhatWasGiven(settings, report);
  const paths = await prepareHome(settings.home);
  const lock = await acquireHomeLock(settings.home, lockPatienceMs);
  let parts: Parts | null = null;
  try {
    await clearUpAfterCrash(paths, report);
    await requireFreePort(settings.host, settings.port);
    parts = { supervisor: createSupervisor(paths, report.warn), lock, stops: [] };
    return await bringUp({ settings, inherited, report, stop, paths, parts, startedMs });
  } catch (error) {
    if (parts === null) await lock.release();
    else await takeDown(parts, report);
    throw error;
  }
}

interface BringUp {
  readonly settings: StartSettings;
  readonly inherited: NodeJS.ProcessEnv;
  readonly report: ConsoleReport;
  readonly stop: StopRequests;
  readonly paths: HomePaths;
  readonly parts: Parts;
  readonly startedMs: number;
}

async function bringUp(up: BringUp): Promise<Product> {
  const { settings, inherited, report, stop, paths, parts } = up;
  const webPort = await freePort();
  const authSecret = (await localSecret(`${paths.keys}/auth-secret`)).reveal();
  // The dashboard needs nobody to start, and takes longest: first, beside everything else.
  addChild(parts, webProcess({ settings, paths, webPort, inherited }));
  const postgres = await postgresFor(up);
  const database = await databaseFor(up, postgres);
  stop.signal.throwIfAborted();
  const facts = { settings, paths, databaseUrl: database.url, authSecret, webPort, inherited };
  addChild(parts, apiProcess(facts));
  addChild(parts, workerProcess(facts));
  const provision = startProvision({
    ...up,
    postgres: settings.demo ? postgres : null,
    databaseUrl: database.url,
    addCluster: (name, kept) => addCluster(parts, name, kept),
  });
  const settled = async () => void (await Promise.allSettled([provision.done]));
  parts.stops.push({ name: "provision", stop: () => provision.stop(), kill: async () => undefined });
  parts.stops.push({ name: "provision-end", stop: settled, kill: async () => undefined });
  const origin = `http://${loopbackOf(settings.host)}:${settings.port}`;
  const [access] = await Promise.all([
    report.phase("login", () => ensureAccess(facts)),
    report.phase("api, worker and dashboard", () => awaitReady(origin, stop.signal)),
  ]);
  stop.signal.throwIfAborted();
  await writeAddress(paths, origin);
  sayReady(report, { settings, paths, access, database, startedMs: up.startedMs });
  void followProvision(provision, up);
  return {
    stop: async () => {
      await parts.lock.markStopping();
      await takeDown(parts, report);
    },
    kill: async () => {
      parts.supervisor.killChildren();
      await Promise.allSettled(parts.stops.map((part) => part.kill()));
      await parts.lock.release();
      await parts.supervisor.close();
    },
  };
}

/** Where the command on this machine finds us, whichever port was chosen; whole or not at all. */
async function writeAddress(paths: HomePaths, origin: string): Promise<void> {
  await writeFile(`${paths.address}.new`, `${origin}\n`, { mode: 0o600 });
  await rename(`${paths.address}.new`, paths.address);
}

/** PostgreSQL 18 for the metadata and the demo; none is looked for when neither is ours to run. */
async function postgresFor({ settings, paths, report, stop }: BringUp): Promise<PostgresInstallation | null> {
  if (settings.databaseUrl !== null && !settings.demo) return null;
  return await report.phase("PostgreSQL 18", (note) =>
    findPostgres(18, { cacheDir: paths.postgresCache, onProgress: note, signal: stop.signal }),
  );
}

async function databaseFor(up: BringUp, postgres: PostgresInstallation | null) {
  const { settings, paths, parts, report } = up;
  if (settings.databaseUrl !== null || postgres === null) {
    const url = settings.databaseUrl?.reveal() ?? "";
    await report.phase("metadata (DATABASE_URL)", () => migrate(url));
    return { url, relocatedTo: null, setAside: null };
  }
  return await report.phase("metadata", async () => {
    const database = await startEmbeddedDatabase(postgres, paths);
    const kept = keepCluster("the embedded PostgreSQL", database.cluster, report.warn);
    addCluster(parts, "metadata", kept);
    await migrate(database.url.reveal());
    return { url: database.url.reveal(), relocatedTo: database.relocatedTo, setAside: database.setAside };
  });
}

function addChild(parts: Parts, spec: Parameters<Supervisor["start"]>[0]): void {
  const child = parts.supervisor.start(spec);
  parts.stops.push({ name: spec.name, stop: () => child.stop(), kill: async () => child.kill() });
}

function addCluster(parts: Parts, name: string, kept: KeptCluster): void {
  parts.supervisor.noteCluster(kept.current().dataDir);
  parts.stops.push({ name, stop: kept.stop, kill: kept.stopAtOnce });
}

/** Repository and demo are made while people already look around; whatever goes wrong with them never stops the product. */
async function followProvision(provision: Provision, { report, stop }: BringUp): Promise<void> {
  try {
    for (const sentence of await provision.done) report.line(sentence);
  } catch (error) {
    if (!stop.asked()) report.warn(describeError(error).message);
  }
}

/** `provision-end` waits for what was under way; what that brought up meanwhile is stopped next. */
const stopOrder = ["provision", "worker", "api", "web", "demo", "provision-end", "metadata"];

async function takeDown(parts: Parts, report: ConsoleReport): Promise<void> {
  for (let part = nextToStop(parts); part !== undefined; part = nextToStop(parts)) {
    try {
      await part.stop();
    } catch (error) {
      report.warn(`${part.name} did not stop as it should: ${describeError(error).message}`);
    }
  }
  await parts.lock.release();
  await parts.supervisor.close();
}

function nextToStop({ stops }: Parts): Parts["stops"][number] | undefined {
  stops.sort((left, right) => stopOrder.indexOf(left.name) - stopOrder.indexOf(right.name));
  return stops.shift();
}

/** After a `kill -9` of the supervisor: its watcher and children may still be on their way out. */
async function clearUpAfterCrash(paths: HomePaths, report: ConsoleReport): Promise<void> {
  const roll = await readRoll(paths.root);
  if (roll.watcher !== null) sendTo(roll.watcher, "SIGKILL");
  const killed = await endChildren(roll, childPatienceMs);
  if (killed.length > 0) report.warn(`ended what was left of the last start: ${killed.join(", ")}`);
}

function sayWhatWasGiven(settings: StartSettings, report: ConsoleReport): void {
  report.line(`Tidemark starts in ${settings.home}`);
  if (settings.given.length > 0) report.line(`  taken from the environment: ${settings.given.join(", ")}`);
  if (dirname(settings.home) === settings.home) report.warn("the home is the root of a file system; is that meant?");
}

/** A start that is stopping needs at most its workers' ten seconds and a fast shutdown of PostgreSQL. */
const lockPatienceMs = 30_000;
const childPatienceMs = 13_000;
