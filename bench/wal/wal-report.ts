import { cpus, totalmem } from "node:os";
import { median } from "../report.ts";
import { memoryRows } from "./measure-memory.ts";
import { type WalSample, walSteps } from "./wal-sample.ts";
import { figureOf, furtherReceiverLimitBytes, receiverLimitBytes, type WalTarget, walTargets } from "./wal-targets.ts";

/** Everything that a report is made of; runs of the same kind are added up. */
export interface WalFigures {
  readonly date: string;
  readonly versions: readonly string[];
  /** What the scratch folder lies on. */
  readonly isInMemory: boolean;
  readonly samples: readonly WalSample[];
  /** Rows that were not measured, and why. */
  readonly absent: Readonly<Record<string, string>>;
}

/** The tables, in Markdown. Only medians are shown, and ratios of medians. */
export function walReport(figures: WalFigures): string {
  const { samples, date, versions, isInMemory } = figures;
  const place = isInMemory ? "a memory file system (where fsync is free)" : "a disk";
  return [
    `WAL, measured on ${date.slice(0, 10)} on ${place}: ${cpus().length} processors (${cpus()[0]?.model ?? "unknown"}), ${(totalmem() / 1024 ** 3).toFixed(0)} GiB of memory.`,
    `Versions: ${versions.join("; ")}.`,
    "",
    "| what | beside | ratio | target | |",
    "|---|---|--:|--:|---|",
    ...walTargets.map((target) => ratioLine(figures, target)),
    ...memoryLines(samples),
    "",
    "| step | row | rounds | wall s | + sync s | segments/s | ms | machine CPU s | peak MiB | stored MiB |",
    "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ...walSteps.flatMap((step) => rowLines(samples.filter((sample) => sample.step === step))),
    "",
  ].join("\n");
}

function ratioLine({ samples, absent }: WalFigures, target: WalTarget): string {
  const { what, step, ours, theirs, figure, limit } = target;
  const value = (row: string): number | null => {
    const all = samples.filter((sample) => sample.step === step && sample.row === row);
    return all.length === 0 ? null : median(all.map((sample) => figureOf(sample, figure)));
  };
  const [mine, others] = [value(ours), value(theirs)];
  const sign = figure === "rate" ? "≥" : "≤";
  if (mine === null || others === null) {
    const missing = mine === null ? ours : theirs;
    return `| ${what} | ${theirs} | – | ${sign} ${limit} | not measured: ${absent[missing] ?? missing} |`;
  }
  const ratio = mine / others;
  const isMet = figure === "rate" ? ratio >= limit : ratio <= limit;
  return `| ${what} | ${theirs} | ${ratio.toFixed(2)} | ${sign} ${limit} | ${isMet ? "met" : "**missed**"} |`;
}

function memoryLines(samples: readonly WalSample[]): string[] {
  const [one, many] = memoryRows.map((row) => {
    const all = samples.flatMap((sample) =>
      sample.row === row && sample.peakBytes !== null ? [sample.peakBytes] : [],
    );
    return all.length === 0 ? null : Math.max(...all);
  });
  const line = (what: string, bytes: number | null, limit: number): string => {
    const verdict = bytes === null ? "not measured" : bytes <= limit ? "met" : "**missed**";
    return `| ${what} | – | ${bytes === null ? "–" : `${mib(bytes)} MiB`} | ≤ ${mib(limit)} MiB | ${verdict} |`;
  };
  const further = one == null || many == null ? null : (many - one) / (Number.parseInt(memoryRows[1], 10) - 1);
  return [
    line("peak memory, one receiver that is behind", one ?? null, receiverLimitBytes),
    line("peak memory, each further one that is behind too", further, furtherReceiverLimitBytes),
  ];
}

function rowLines(samples: readonly WalSample[]): string[] {
  return [...new Set(samples.map(({ row }) => row))].map((row) => {
    const all = samples.filter((sample) => sample.row === row);
    const shown = (pick: (sample: WalSample) => number | null, digits: number): string => {
      const values = all.map(pick).filter((value) => value !== null && Number.isFinite(value)) as number[];
      return values.length === 0 ? "" : median(values).toFixed(digits);
    };
    const step = all[0]?.step ?? "";
    const rate = (one: WalSample) => (one.segments === 0 ? null : one.segments / (one.wallSeconds + one.syncSeconds));
    return `| ${step} | ${row} | ${all.length} | ${shown((one) => one.wallSeconds, 2)} | ${shown((one) => one.syncSeconds, 2)} | ${shown(rate, 1)} | ${shown((one) => one.latencyMs, 3)} | ${shown((one) => one.machineSeconds, 2)} | ${shown((one) => (one.peakBytes === null ? null : one.peakBytes / 1024 ** 2), 0)} | ${shown((one) => (one.storedBytes === null ? null : one.storedBytes / 1024 ** 2), 1)} |`;
  });
}

function mib(bytes: number): string {
  return (bytes / 1024 ** 2).toFixed(0);
}
