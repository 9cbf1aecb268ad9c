import { readFile } from "node:fs/promises";
import { AppError } from "@tidemark/kit";
import {
  parseRowExpectation,
  parseSqlExpectations,
  type RowExpectation,
  type SqlExpectation,
} from "@tidemark/kit/drill-expectation-text";
import type { Command } from "commander";
import { addTargetOptions, type TargetOptions, trialTargetInput } from "./recovery-options.ts";

/** What commander gives for the flags of `addDrillOptions`. */
export interface DrillOptions extends TargetOptions {
  readonly targetBehind?: string;
  readonly expectRows: readonly RowExpectation[];
  readonly sqlFile: readonly string[];
  readonly estimateTolerance?: string;
  readonly maxBytes?: string;
  readonly checkSeconds?: string;
  readonly replaySeconds?: string;
}

/** The flags that say how to drill; the same for a drill and for a server's settings. */
export function addDrillOptions(command: Command): Command {
  return addTargetOptions(command)
    .option("--target-behind <time>", "to so long before the last archived commit: 30s, 15m, 6h, 1d")
    .option(
      "--expect-rows <database.schema.table=n[±p%]>",
      "a table and how many rows it must have; once for each",
      (text: string, before: readonly RowExpectation[]) => [...before, rowExpectation(text)],
      [],
    )
    .option(
      "--sql-file <file>",
      "questions and their answers: `-- name:`, `-- database:`, `-- expect:`, then the SQL; once for each file",
      (file: string, before: readonly string[]) => [...before, file],
      [],
    )
    .option("--estimate-tolerance <percent>", "how far a count may be from the server's own estimate")
    .option("--max-bytes <n>", "do not try a larger copy")
    .option("--check-seconds <n>", "for all checks together (600 usually)")
    .option("--replay-seconds <n>", "for the replay of WAL (21600 usually)");
}

/** The flags as GraphQL's `DrillSettingsInput` has them; what they do not say is left out. Throws `bad-request`. */
export async function drillInput(options: DrillOptions) {
  const target = trialTargetInput(options);
  if (target !== null && options.targetBehind !== undefined) {
    throw misused("--target-behind and another target are two: give one");
  }
  const sql = (await Promise.all(options.sqlFile.map(readSqlFile))).flat();
  const estimate = numberOf("--estimate-tolerance", options.estimateTolerance, { least: 0, most: 1_000 });
  const expects = options.expectRows.length > 0 || sql.length > 0 || estimate !== null;
  const checkSeconds = numberOf("--check-seconds", options.checkSeconds, { least: 1, most: 86_400, whole: true });
  const replaySeconds = numberOf("--replay-seconds", options.replaySeconds, { least: 1, most: 604_800, whole: true });
  if (options.maxBytes !== undefined && !/^[1-9]\d{0,18}$/.test(options.maxBytes)) {
    throw misused(`--max-bytes takes a number of bytes, not ${options.maxBytes}`);
  }
  return {
    ...(target === null ? {} : { target }),
    ...(options.targetBehind === undefined ? {} : { behindSeconds: secondsOf(options.targetBehind) }),
    ...(expects ? { expectations: { rows: options.expectRows, sql, estimateTolerancePercent: estimate } } : {}),
    ...(options.maxBytes === undefined ? {} : { maxBytes: options.maxBytes }),
    ...(checkSeconds === null ? {} : { checkSeconds }),
    ...(replaySeconds === null ? {} : { replaySeconds }),
  };
}

function rowExpectation(text: string): RowExpectation {
  return within("--expect-rows", () => parseRowExpectation(text));
}

async function readSqlFile(file: string): Promise<readonly SqlExpectation[]> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new AppError("bad-request", { message: `--sql-file ${file} cannot be read`, cause });
  });
  return within(`--sql-file ${file}`, () => parseSqlExpectations(text));
}

/** Says which flag was wrong. */
function within<T>(flag: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new AppError("bad-request", { message: `${flag}: ${error.message}`, cause: error });
  }
}

function secondsOf(text: string): number {
  const match = /^(\d{1,8})(s|m|h|d)$/.exec(text);
  const unit = { s: 1, m: 60, h: 3_600, d: 86_400 }[match?.[2] ?? ""];
  const seconds = Number(match?.[1]) * (unit ?? Number.NaN);
  if (seconds <= 365 * 86_400) return seconds;
  throw misused(`--target-behind takes 30s, 15m, 6h or 1d, a year at most, not ${text}`);
}

function numberOf(
  flag: string,
  text: string | undefined,
  { least, most, whole = false }: { readonly least: number; readonly most: number; readonly whole?: boolean },
): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (text.trim() !== "" && value >= least && value <= most && (!whole || Number.isInteger(value))) return value;
  throw misused(`${flag} takes a ${whole ? "whole " : ""}number from ${least} to ${most}, not ${text}`);
}

function misused(message: string): AppError {
  return new AppError("bad-request", { message });
}
