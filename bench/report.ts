import { cpus, totalmem } from "node:os";
import type { Measured } from "./measure.ts";
import { type Figure, peakLimitBytes, type Target, targets } from "./targets.ts";

/** One timed step of one row in one round. */
export interface Sample extends Measured {
  readonly row: string;
  readonly step: string;
  readonly grewBytes: number;
}

export interface Circumstances {
  readonly date: Date;
  /** Names and versions of what took part. */
  readonly versions: readonly string[];
  readonly dataBytes: number;
  readonly rounds: number;
  readonly workDir: string;
  /** Rows that took no part, or not to the end, and why. */
  readonly absent: ReadonlyMap<string, string>;
  /** The most memory of each row's process through its whole life; 0 for rows without one. */
  readonly lifePeaks: ReadonlyMap<string, number>;
}

/** The tables of one run, in Markdown. Only medians are shown, and ratios of medians. */
export function report(samples: readonly Sample[], circumstances: Circumstances): string {
  const ratios = targets.map((target) => ratioLine(samples, target, circumstances.absent));
  return [
    `Measured on ${circumstances.date.toISOString().slice(0, 10)}: ${cpus().length} processors (${cpus()[0]?.model ?? "unknown"}), ${gib(totalmem())} GiB of memory, ${mib(circumstances.dataBytes)} MiB of data, medians of ${circumstances.rounds} rounds over all rows.`,
    `Versions: ${circumstances.versions.join("; ")}.`,
    "",
    "| what | beside | ratio | target | |",
    "|---|---|--:|--:|---|",
    ...ratios,
    peakLine(samples),
    lifePeakLine(circumstances.lifePeaks),
    "",
    "| step | row | wall s | + sync s | client CPU s | server CPU s | peak MiB | grew MiB |",
    "|---|---|--:|--:|--:|--:|--:|--:|",
    ...rowLines(samples),
    "",
  ].join("\n");
}

/** A target that could not be measured is listed all the same, with the reason. */
function ratioLine(
  samples: readonly Sample[],
  { what, ours, figure, limit, beside }: Target,
  absent: ReadonlyMap<string, string>,
): string {
  const mine = figureOf(samples, ours, figure);
  const others = beside.flatMap((place) => {
    const value = figureOf(samples, place, figure);
    return value === null ? [] : [{ name: place[0], value }];
  });
  const best = others.sort((left, right) => left.value - right.value)[0];
  if (mine === null || best === undefined) {
    const missing = (mine === null ? [ours] : beside).map(
      ([row, step]) => absent.get(row) ?? `${row} has no ${step} here`,
    );
    return `| ${what} | ${beside.map(([row]) => row).join(", ")} | – | ≤ ${limit} | not measured: ${missing.join("; ")} |`;
  }
  const ratio = mine / best.value;
  const absentees = beside.filter(([row]) => absent.has(row)).map(([row]) => absent.get(row));
  const verdict = ratio <= limit ? "met" : "**missed**";
  return `| ${what} | ${best.name} | ${ratio.toFixed(2)} | ≤ ${limit} | ${[verdict, ...absentees].join("; ")} |`;
}

/** Of all our rows, in every step that backs up or restores. */
function peakLine(samples: readonly Sample[]): string {
  const ours = samples.filter(
    ({ row, step, ok }) => ok && row.startsWith("tidemark") && /^(full|repeat|incr|restore)/.test(step),
  );
  if (ours.length === 0) return "| peak memory, backing up or restoring | – | – | | not measured |";
  const peak = Math.max(...ours.map(({ peakBytes }) => peakBytes));
  const verdict = peak <= peakLimitBytes ? "met" : "**missed**";
  return `| peak memory, backing up or restoring | – | ${mib(peak)} MiB | ≤ ${mib(peakLimitBytes)} MiB | ${verdict} |`;
}

/** A process that stays may keep less than its limit in every act and more in the end. */
function lifePeakLine(lifePeaks: ReadonlyMap<string, number>): string {
  const [name, peak] = [...lifePeaks].sort(([, left], [, right]) => right - left)[0] ?? ["", 0];
  if (peak === 0) return "| peak memory, a process through all its acts | – | – | | not measured |";
  const verdict = peak <= peakLimitBytes ? "met" : "**missed**";
  return `| peak memory, a process through all its acts (${name}) | – | ${mib(peak)} MiB | ≤ ${mib(peakLimitBytes)} MiB | ${verdict} |`;
}

function rowLines(samples: readonly Sample[]): string[] {
  const keys = [...new Set(samples.map(({ row, step }) => JSON.stringify([step, row])))].sort();
  return keys.map((key) => {
    const [step, row] = JSON.parse(key) as [string, string];
    const all = samples.filter((sample) => sample.row === row && sample.step === step && sample.ok);
    if (all.length === 0) return `| ${step} | ${row} | failed | | | | | |`;
    const value = (pick: (sample: Sample) => number, digits = 2) => median(all.map(pick)).toFixed(digits);
    const peak = Math.max(...all.map(({ peakBytes }) => peakBytes));
    const tooMuch = row.startsWith("tidemark") && peak > peakLimitBytes ? " (above 250)" : "";
    return `| ${step} | ${row} | ${value((one) => one.wallSeconds)} | ${value((one) => one.syncSeconds)} | ${value((one) => one.clientSeconds)} | ${value((one) => one.serverSeconds)} | ${mib(peak)}${tooMuch} | ${value((one) => one.grewBytes / 1024 ** 2, 1)} |`;
  });
}

function figureOf(samples: readonly Sample[], [row, step]: readonly [string, string], figure: Figure): number | null {
  const all = samples.filter((sample) => sample.row === row && sample.step === step && sample.ok);
  if (all.length === 0) return null;
  const pick = {
    time: (one: Sample) => one.wallSeconds + one.syncSeconds,
    grew: (one: Sample) => one.grewBytes,
    server: (one: Sample) => one.serverSeconds,
  }[figure];
  return median(all.map(pick));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = Math.floor((sorted.length - 1) / 2);
  return ((sorted[middle] ?? 0) + (sorted[Math.ceil((sorted.length - 1) / 2)] ?? 0)) / 2;
}

function mib(bytes: number): string {
  return (bytes / 1024 ** 2).toFixed(0);
}

function gib(bytes: number): string {
  return (bytes / 1024 ** 3).toFixed(0);
}
