import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { sizeOf } from "../measure.ts";
import { findProgram } from "../settings.ts";
import { startOurHost } from "./our-host.ts";
import { timed } from "./timed.ts";
import { RowAbsent, type WalSample } from "./wal-sample.ts";
import { type Archiving, emptyFolder, isArchived, makeReady, setArchiving, type WalScene } from "./wal-scene.ts";

/** How a row archives, and what is there besides while it does. */
interface Archiver extends Archiving {
  readonly repository: string;
  readonly pid: number | null;
  end?(): Promise<void>;
}

export const archiveRows = [
  "Barman's cp; sync; mv",
  "pgBackRest async zst",
  "tidemark push none",
  "tidemark push zstd:1",
  "tidemark module none",
  "tidemark module zstd:1",
] as const;

/**
 * The server's own archiver hands over segments that all wait for it, as after a pause. Timed from the first one that it
 * counts as archived to the last: a change of `archive_library` starts the archiver anew, ten seconds later.
 */
export async function measureArchive(scene: WalScene, row: string): Promise<WalSample> {
  const { settings, cluster, segments } = scene;
  const [first = "", last = ""] = [segments[0], segments.at(-1)];
  makeReady(scene);
  const archiver = await archiverOf(scene, row);
  const storedBefore = sizeOf(archiver.repository);
  try {
    const measured = await timed(
      settings,
      async (begin) => {
        await setArchiving(cluster, archiver);
        await until(() => isArchived(scene, first));
        begin();
        await until(() => isArchived(scene, last));
        return null;
      },
      () => archiver.pid,
    );
    const storedBytes = sizeOf(archiver.repository) - storedBefore;
    if (storedBytes <= 0) throw new Error(`${row} archived nothing`);
    return { step: "archive", row, segments: segments.length - 1, ...measured, storedBytes, latencyMs: null };
  } finally {
    await setArchiving(cluster, {});
    await archiver.end?.();
  }
}

async function archiverOf(scene: WalScene, row: string): Promise<Archiver> {
  const [, , way = "", compression = ""] = ["", ...row.split(" ")];
  if (row.startsWith("Barman")) return barman(scene);
  if (row.startsWith("pgBackRest")) return pgBackRest(scene);
  const module = way === "module" ? buildModule(scene) : null;
  const { agent, socket, archiveCommand, repository } = await startOurHost(scene, "archive-host", compression);
  const archiving = module === null ? { command: archiveCommand } : { library: module, socket };
  return { ...archiving, repository, pid: agent.pid, end: () => agent.end() };
}

/** What it advises as archive_command where barman-wal-archive is not installed, made durable. */
function barman({ settings }: WalScene): Archiver {
  const to = emptyFolder(settings, "barman-incoming");
  return {
    command: `test ! -f ${to}/%f && cp %p ${to}/.%f && sync ${to}/.%f && mv ${to}/.%f ${to}/%f`,
    repository: to,
    pid: null,
  };
}

function pgBackRest({ settings, cluster }: WalScene): Archiver {
  const program = findProgram("pgbackrest");
  if (program === null) throw new RowAbsent("pgbackrest is not installed");
  const state = emptyFolder(settings, "pgbackrest-wal");
  const repository = join(state, "repository");
  for (const folder of [repository, join(state, "lock"), join(state, "spool")]) mkdirSync(folder);
  const own = [
    "--config=/dev/null",
    "--stanza=b",
    `--repo1-path=${repository}`,
    `--lock-path=${join(state, "lock")}`,
    "--log-level-console=warn",
    "--log-level-file=off",
    `--pg1-path=${cluster.dataDir}`,
  ];
  const server = [`--pg1-socket-path=${cluster.socketDir}`, `--pg1-port=${cluster.port}`, "--pg1-user=bench"];
  execFileSync(program, [...own, ...server, "--pg1-database=bench", "--no-online", "stanza-create"]);
  const pushing = [
    "--compress-type=zst",
    `--process-max=${settings.threads}`,
    "--archive-async",
    `--spool-path=${join(state, "spool")}`,
    "--archive-push-queue-max=1TB",
  ];
  return { command: [program, ...own, ...pushing, "archive-push", "%p"].join(" "), repository, pid: null };
}

const moduleSource = fileURLToPath(new URL("../../native/archive-module", import.meta.url));

/** Once a run, for this server. */
function buildModule({ settings }: WalScene): string {
  const folder = join(settings.workDir, "module");
  const library = join(folder, "tidemark_archive.so");
  if (existsSync(library)) return library;
  const pgConfig = join(settings.pgBin, "pg_config");
  if (!existsSync(pgConfig)) throw new RowAbsent(`${pgConfig} is not installed`);
  cpSync(moduleSource, folder, { recursive: true });
  try {
    execFileSync("make", [`PG_CONFIG=${pgConfig}`, "with_llvm=no"], { cwd: folder, stdio: "pipe" });
  } catch (cause) {
    throw new RowAbsent("the archive module cannot be built here (a compiler, make and PostgreSQL's headers)", {
      cause,
    });
  }
  return library;
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + longestMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error("the archiver does not come to its end");
    await pause(pollMs);
  }
}

const pollMs = 5;
const longestMs = 180_000;
