import { existsSync, readdirSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type WalStep, walSteps } from "./wal/wal-sample.ts";

/** What a run of the benchmark is asked. */
export interface BenchSettings {
  /** `pgbench -s`: 100,000 accounts each, some 14 MiB. */
  readonly scale: number;
  readonly rounds: number;
  /** Percent of the blocks touched before each incremental. */
  readonly changes: readonly number[];
  /** Incrementals in a row, of which the last is restored too; 0: left out. */
  readonly chain: number;
  /** Scratch: repositories, restores, the server's data. Removed at the end. */
  readonly workDir: string;
  /** Where `initdb`, `postgres` and, for peers, `pg_basebackup` are. */
  readonly pgBin: string;
  /** Names of rows to run; empty: all that can run here. */
  readonly only: readonly string[];
  /** Writes docs/performance.md. */
  readonly keep: boolean;
  readonly threads: number;
  /** WAL is measured, not backups. */
  readonly wal: boolean;
  /** Segments of WAL of 16 MiB each. */
  readonly segments: number;
  /** Which steps of WAL; empty: all. */
  readonly steps: readonly WalStep[];
  /** Figures of earlier runs of the same kind on the same machine, to which these are added; null: nothing is kept. */
  readonly samples: string | null;
}

export const usage = `npm run bench -- [options]
  --scale N      size of the data, in pgbench's scale (150 is about 2.2 GB; default 150)
  --rounds N     rounds over all rows; medians are compared (default 3)
  --changes P,P  percent of blocks touched before each incremental (default 1,10)
  --chain N      incrementals in a row, the last of which is restored too (default 30; 0 leaves it out)
  --work DIR     scratch folder; a memory file system compares processors, a disk compares disks (default /dev/shm)
  --pg-bin DIR   PostgreSQL's programs; 17 or newer with pg_combinebackup has incrementals (default: Debian's newest)
  --only ROW,…   only these rows
  --keep         write the table into docs/performance.md
  --wal          receiving, archiving and fetching of WAL instead of backups
  --segments N   segments of WAL, 16 MiB each (default 96)
  --steps S,…    only these of ${walSteps.join(", ")}
  --samples FILE adds the figures to those in FILE, and reports all: a long run in short parts`;

export function readSettings(argv: readonly string[]): BenchSettings | null {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      scale: { type: "string", default: "150" },
      rounds: { type: "string", default: "3" },
      changes: { type: "string", default: "1,10" },
      chain: { type: "string", default: "30" },
      work: { type: "string" },
      "pg-bin": { type: "string" },
      only: { type: "string", default: "" },
      keep: { type: "boolean", default: false },
      wal: { type: "boolean", default: false },
      segments: { type: "string", default: "96" },
      steps: { type: "string", default: "" },
      samples: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return null;
  const shm = "/dev/shm";
  return {
    scale: number("--scale", values.scale),
    rounds: number("--rounds", values.rounds),
    changes: values.changes.split(",").map((percent) => number("--changes", percent)),
    chain: Number(values.chain),
    workDir: join(values.work ?? (existsSync(shm) ? shm : tmpdir()), "tidemark-bench"),
    pgBin: values["pg-bin"] ?? newestDebianBin(),
    only: values.only.split(",").filter((name) => name !== ""),
    keep: values.keep,
    threads: Math.min(2, availableParallelism()),
    wal: values.wal,
    segments: number("--segments", values.segments),
    steps: values.steps
      .split(",")
      .filter((name) => name !== "")
      .map(walStep),
    samples: values.samples === undefined ? null : resolve(values.samples),
  };
}

/** Where a program is, or null. */
export function findProgram(name: string, folders: readonly string[] = []): string | null {
  const path = [...folders, ...(process.env.PATH ?? "").split(delimiter)];
  return path.map((folder) => join(folder, name)).find((file) => existsSync(file)) ?? null;
}

function newestDebianBin(): string {
  const root = "/usr/lib/postgresql";
  const majors = existsSync(root) ? readdirSync(root).map(Number).filter(Number.isFinite) : [];
  const newest = majors
    .sort((left, right) => right - left)
    .find((major) => existsSync(join(root, `${major}`, "bin/initdb")));
  if (newest === undefined) {
    throw new Error("no PostgreSQL server is installed here: install Debian's postgresql, or say --pg-bin DIR");
  }
  return join(root, `${newest}`, "bin");
}

function walStep(name: string): WalStep {
  const step = walSteps.find((one) => one === name);
  if (step === undefined) throw new Error(`--steps takes ${walSteps.join(", ")}, not ${name}`);
  return step;
}

function number(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${option} takes a number above 0, not ${text}`);
  return value;
}
