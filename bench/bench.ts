/**
 * Measures us beside other tools on one server in one run (docs/performance.md). `npm run bench -- --help`.
 *
 * PostgreSQL and pgBackRest want one ordinary user who owns everything: run by root, it goes on as the account that
 * PostgreSQL's servers run under.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "@tidemark/kit";
import { findServerUser } from "@tidemark/local-postgres";
import { type BenchCluster, fill, startBenchCluster } from "./cluster.ts";
import { sizeOf } from "./measure.ts";
import { report } from "./report.ts";
import { Rounds } from "./rounds.ts";
import { barman } from "./rows/barman.ts";
import { plainCopy } from "./rows/copy.ts";
import { pgBasebackup } from "./rows/pg-basebackup.ts";
import { pgBackRest } from "./rows/pgbackrest.ts";
import type { Row, RowContext } from "./rows/row.ts";
import { type TidemarkVariant, tidemark, tidemarkCommand } from "./rows/tidemark.ts";
import { type BenchSettings, findProgram, readSettings, usage } from "./settings.ts";
import { addFigures, benchWal } from "./wal/bench-wal.ts";
import { type WalFigures, walReport } from "./wal/wal-report.ts";

/** Each kind of run has its part of the page, from the line that says so to the next such line. */
const marks = {
  backups: "<!-- the last run: written by npm run bench -- --keep -->",
  "wal-memory": "<!-- the last run of WAL on a memory file system: npm run bench -- --wal --keep -->",
  "wal-disk": "<!-- the last run of WAL on a disk: npm run bench -- --wal --work DIR --keep -->",
} as const;

const settings = readSettings(process.argv.slice(2));
if (settings === null) console.log(usage);
else if (process.geteuid?.() === 0) await goOnAsServerUser(settings);
else if (settings.wal) await benchOfWal(settings);
else await bench(settings);

async function goOnAsServerUser(asked: BenchSettings): Promise<void> {
  const { workDir, keep, wal } = asked;
  const user = await findServerUser();
  if (user === null) throw new Error("we are root and are not");
  const { uid, gid } = user;
  rmSync(workDir, { recursive: true, force: true });
  mkdirSync(workDir, { recursive: true });
  chownSync(workDir, uid, gid);
  const script = fileURLToPath(import.meta.url);
  const env = { ...process.env, HOME: workDir };
  const { status } = spawnSync(process.execPath, [script, ...process.argv.slice(2)], {
    uid,
    gid,
    env,
    stdio: "inherit",
  });
  process.exitCode = status ?? 1;
  if (status === 0 && wal) reportWal(asked);
  else if (status === 0 && keep) keepTables(readFileSync(join(workDir, "report.md"), "utf8"));
  rmSync(workDir, { recursive: true, force: true });
}

async function bench(asked: BenchSettings): Promise<void> {
  mkdirSync(asked.workDir, { recursive: true });
  const cluster = await startBenchCluster(asked);
  try {
    console.log(`filling a server of version ${cluster.major} at scale ${asked.scale}`);
    await fill(cluster, asked.scale);
    const dataBytes = sizeOf(join(cluster.dataDir, "base"));
    const { rows, absent } = usableRows({ settings: asked, cluster });
    const lifePeaks = new Map<string, number>();
    const rounds = new Rounds(asked, cluster, rows);
    try {
      await rounds.all();
    } finally {
      for (const row of rows) lifePeaks.set(row.name, row.lifePeakBytes?.() ?? 0);
      await Promise.all(rows.map((row) => row.stop?.()));
    }
    const circumstances = {
      lifePeaks,
      date: systemClock.now(),
      versions: versions(asked, cluster),
      dataBytes,
      absent: new Map([...absent, ...rounds.absent]),
      ...asked,
    };
    const tables = report(rounds.samples, circumstances);
    console.log(`\n${tables}`);
    writeFileSync(join(asked.workDir, "report.md"), tables);
    if (asked.keep && process.env.HOME !== asked.workDir) keepTables(tables);
  } finally {
    await cluster.stop();
  }
}

async function benchOfWal(asked: BenchSettings): Promise<void> {
  mkdirSync(asked.workDir, { recursive: true });
  const cluster = await startBenchCluster(asked);
  try {
    const figures = await benchWal(asked, cluster, versions(asked, cluster));
    writeFileSync(figuresFile(asked), JSON.stringify(figures));
  } finally {
    await cluster.stop();
  }
  if (process.env.HOME !== asked.workDir) reportWal(asked);
}

/** By whoever may write where the figures and the page are. */
function reportWal(asked: BenchSettings): void {
  const { samples, keep } = asked;
  const measured = JSON.parse(readFileSync(figuresFile(asked), "utf8")) as WalFigures;
  const figures = samples === null ? measured : addFigures(samples, measured);
  if (samples !== null) writeFileSync(samples, JSON.stringify(figures, null, 1));
  const tables = walReport(figures);
  console.log(`\n${tables}`);
  if (keep) keepTables(tables, figures.isInMemory ? "wal-memory" : "wal-disk");
}

function figuresFile({ workDir }: BenchSettings): string {
  return join(workDir, "wal.json");
}

/** The rows that run, and why the others do not. */
function usableRows(context: RowContext): { readonly rows: readonly Row[]; readonly absent: Map<string, string> } {
  const plain = { encrypted: false, local: false };
  const first: TidemarkVariant = { ...plain, name: "tidemark zstd@1", compression: "zstd:1" };
  const rows: readonly Row[] = [
    tidemark(context, first),
    tidemark(context, { ...plain, name: "tidemark encrypted", compression: "zstd:1", encrypted: true }),
    tidemark(context, { ...plain, name: "tidemark none", compression: "none" }),
    tidemark(context, { ...plain, name: "tidemark local", compression: "zstd:1", local: true }),
    tidemarkCommand(context, { ...first, name: "tidemark zstd@1 as a command" }),
    pgBasebackup(context, "pg_basebackup server-zstd@1", "server-zstd:level=1,workers=2"),
    pgBasebackup(context, "pg_basebackup server-zstd", "server-zstd:workers=2"),
    pgBasebackup(context, "pg_basebackup none-t", "none"),
    pgBackRest(context, "pgBackRest zst@1", { type: "zst", level: 1 }),
    pgBackRest(context, "pgBackRest zst", { type: "zst", level: null }),
    barman(context, "Barman zstd", "zstd"),
    plainCopy(context),
  ];
  const { only } = context.settings;
  const absent = new Map<string, string>();
  for (const { name, unavailable } of rows) {
    if (only.length > 0 && !only.includes(name)) absent.set(name, `${name} was not asked for`);
    else if (unavailable !== null) absent.set(name, `${name}: ${unavailable}`);
    if (unavailable !== null) console.log(`${name} is left out: ${unavailable}`);
  }
  return { rows: rows.filter(({ name }) => !absent.has(name)), absent };
}

function versions({ pgBin }: BenchSettings, { major }: BenchCluster): readonly string[] {
  const first = (program: string, ...args: readonly string[]) =>
    execFileSync(program, args, { encoding: "utf8" }).split("\n")[0] ?? "";
  const peers = [
    ["pg_basebackup", "--version"],
    ["pgbackrest", "version"],
    ["barman", "--version"],
    ["zstd", "--version"],
  ].flatMap(([name = "", argument = ""]) => {
    const program = name.startsWith("pg_") ? join(pgBin, name) : findProgram(name);
    if (program === null || !existsSync(program)) return [];
    return [first(program, argument).replace(/^\*+ | \*+$/g, "")];
  });
  return [
    `Node ${process.versions.node}`,
    first(join(pgBin, "postgres"), "--version"),
    `server of major ${major}`,
    ...peers,
  ];
}

function keepTables(tables: string, kind: keyof typeof marks = "backups"): void {
  const page = fileURLToPath(new URL("../docs/performance.md", import.meta.url));
  const text = readFileSync(page, "utf8");
  const [head = "", rest = ""] = text.includes(marks[kind]) ? text.split(marks[kind]) : [`${text.trimEnd()}\n\n`];
  const next = Object.values(marks).map((mark) => rest.indexOf(mark));
  const end = Math.min(rest.length, ...next.filter((at) => at >= 0));
  writeFileSync(
    page,
    `${head}${marks[kind]}\n\n${tables.trimEnd()}\n${end < rest.length ? "\n" : ""}${rest.slice(end)}`,
  );
}
