import { AppError, formatDuration, parseDuration } from "@tidemark/kit";
import type { Command } from "commander";

/** What a policy promises, as options; what is left out stays, `none` takes it away. */
export interface TargetOptions {
  readonly rpo?: string;
  readonly rto?: string;
  readonly proofDays?: string;
  readonly verifyDays?: string;
}

export function withTargetOptions(command: Command): Command {
  return command
    .option("--rpo <duration>", "commits that may be lost at most, for example 5min; none: the usual minute")
    .option("--rto <duration>", "what a restore may take at most, for example 1h; none: nothing is promised")
    .option("--proof-days <n>", "days a proof by a drill counts; none: the usual 31")
    .option("--verify-days <n>", "verify everything stored within n days, a part each day; none: not by itself");
}

/** As the api takes it (PolicyTargetsInput); null when no target was given. Its limits are the api's to say. */
export function targetsInput(options: TargetOptions): Record<string, number | null> | null {
  const targets = {
    ...(options.rpo === undefined ? {} : { rpoTargetSeconds: seconds("--rpo", options.rpo) }),
    ...(options.rto === undefined ? {} : { rtoTargetSeconds: seconds("--rto", options.rto) }),
    ...(options.proofDays === undefined ? {} : { proofDays: days("--proof-days", options.proofDays) }),
    ...(options.verifyDays === undefined ? {} : { verifyDays: days("--verify-days", options.verifyDays) }),
  };
  return Object.keys(targets).length === 0 ? null : targets;
}

function seconds(option: string, text: string): number | null {
  if (text === "none") return null;
  const durationMs = parseDuration(text);
  if (durationMs !== null && durationMs % 1_000 === 0) return durationMs / 1_000;
  throw new AppError("bad-request", {
    message: `${option} takes a duration in whole seconds or none, not ${text}`,
    hint: `for example ${formatDuration(90_000)}, 5min, 2h or 1d`,
  });
}

function days(option: string, text: string): number | null {
  if (text === "none") return null;
  const count = Number(text);
  if (Number.isSafeInteger(count) && count >= 1) return count;
  throw new AppError("bad-request", {
    message: `${option} takes a whole number of days from 1 on or none, not ${text}`,
  });
}
