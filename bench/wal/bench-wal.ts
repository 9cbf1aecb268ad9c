import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "@tidemark/kit";
import type { BenchCluster } from "../cluster.ts";
import type { BenchSettings } from "../settings.ts";
import { archiveRows, measureArchive } from "./measure-archive.ts";
import { commitRows, measureCommit } from "./measure-commit.ts";
import { measureMemory, memoryRows } from "./measure-memory.ts";
import { measureRecovery, recoveryRows } from "./measure-recovery.ts";
import { measureStream, streamRows } from "./measure-stream.ts";
import type { WalFigures } from "./wal-report.ts";
import { RowAbsent, type WalSample, type WalStep, walSteps } from "./wal-sample.ts";
import { connection, setWalScene, type WalScene } from "./wal-scene.ts";

interface StepMeasure {
  readonly rows: readonly string[];
  readonly measure: (scene: WalScene, row: string) => Promise<WalSample>;
  /** What is performed once, and not counted, before the rounds. */
  readonly before: (scene: WalScene) => Promise<unknown>;
}

const receiveOnce = (scene: WalScene) => measureStream(scene, "tidemark none");

const measures: Readonly<Record<WalStep, StepMeasure>> = {
  stream: { rows: streamRows, measure: measureStream, before: receiveOnce },
  archive: {
    rows: archiveRows,
    measure: measureArchive,
    before: (scene) => measureArchive(scene, "tidemark push none"),
  },
  recovery: {
    rows: recoveryRows,
    measure: measureRecovery,
    before: (scene) => measureRecovery(scene, "tidemark fetch none"),
  },
  commit: { rows: commitRows, measure: measureCommit, before: receiveOnce },
  memory: { rows: memoryRows, measure: measureMemory, before: receiveOnce },
};

/**
 * Rounds over all rows of a step, as with backups; a row that fails is left out, and said. Before them ours runs once: what
 * Node has not compiled before takes the first row twice its time, and 15 MiB, as after an update and then no more.
 */
export async function benchWal(
  settings: BenchSettings,
  cluster: BenchCluster,
  versions: readonly string[],
): Promise<WalFigures> {
  const steps = settings.steps.length === 0 ? walSteps : settings.steps;
  console.log(`writing ${settings.segments} segments of WAL on a server of version ${cluster.major}`);
  const scene = await setWalScene(settings, cluster, steps.includes("recovery") ? backupBy(settings, cluster) : null);
  const samples: WalSample[] = [];
  const absent: Record<string, string> = {};
  for (const step of steps) {
    // Should it fail, its row will, and say so.
    await measures[step].before(scene).catch(() => undefined);
    for (let round = 0; round < settings.rounds; round++) {
      for (const row of inTurn(measures[step].rows, round)) {
        const isAsked = settings.only.length === 0 || settings.only.includes(row);
        if (!isAsked || absent[row] !== undefined) continue;
        try {
          const sample = await measures[step].measure(scene, row);
          samples.push(sample);
          console.log(line(sample));
        } catch (error) {
          absent[row] = error instanceof RowAbsent ? error.message : `it failed: ${(error as Error).message}`;
          console.log(`${step} ${row} is left out: ${absent[row]}`);
        }
      }
    }
  }
  const isInMemory = statfsSync(settings.workDir).type === tmpfsMagic;
  return { date: systemClock.now().toISOString(), versions, isInMemory, samples, absent };
}

/** What was measured before and what was measured now. */
export function addFigures(file: string, figures: WalFigures): WalFigures {
  if (!existsSync(file)) return figures;
  const earlier = JSON.parse(readFileSync(file, "utf8")) as WalFigures;
  const samples = [...earlier.samples, ...figures.samples];
  return { ...figures, samples, absent: { ...earlier.absent, ...figures.absent } };
}

function inTurn(rows: readonly string[], round: number): readonly string[] {
  const first = round % rows.length;
  return [...rows.slice(first), ...rows.slice(0, first)];
}

function backupBy({ pgBin }: BenchSettings, cluster: BenchCluster): ((to: string) => Promise<void>) | null {
  const program = join(pgBin, "pg_basebackup");
  if (!existsSync(program)) return null;
  return async (to) => {
    rmSync(to, { recursive: true, force: true });
    execFileSync(program, [...connection(cluster), "-c", "fast", "-X", "stream", "-D", to], { stdio: "pipe" });
  };
}

function line(sample: WalSample): string {
  const { step, row, wallSeconds, syncSeconds, segments, machineSeconds, peakBytes, latencyMs } = sample;
  const rate = segments === 0 ? "" : `${(segments / (wallSeconds + syncSeconds)).toFixed(1)} segments/s, `;
  const latency = latencyMs === null ? "" : `${latencyMs.toFixed(3)} ms, `;
  const peak = peakBytes === null ? "" : `, peak ${(peakBytes / 1024 ** 2).toFixed(0)} MiB`;
  return `${step.padEnd(10)} ${row.padEnd(30)} ${wallSeconds.toFixed(2)} s + ${syncSeconds.toFixed(2)} s, ${rate}${latency}machine ${machineSeconds.toFixed(2)} s${peak}`;
}

/** TMPFS_MAGIC (linux/magic.h). */
const tmpfsMagic = 0x01021994;
