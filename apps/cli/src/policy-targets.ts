import { AppError, formatDuration, parseDuration } from "@tidemark/kit";
import type { Command } from "commander";

/** What a policy promises, as options; what is left out stays, `none` is no target, `usual` what no policy says. */
export interface TargetOptions {
  readonly rpo?: string;
  readonly rto?: string;
  readonly proofDays?: string;
  readonly verifyDays?: string;
}

export function withTargetOptions(command: Command): Command {
  return command
    .option("--rpo <duration>", "commits that may be lost at most, for example 5min; none: no target; usual: a minute")
    .option("--rto <duration>", "what a restore may take at most, for example 1h; none: nothing is promised")
    .option("--proof-days <n>", "days a proof by a drill counts; none: for ever; usual: 31")
    .option("--verify-days <n>", "verify everything stored within n days, a part each day; none: not by itself");
}

/** As the api takes it (PolicyTargetsInput); null when no target was given. Its limits are the api's to say. */
export function targetsInput(options: TargetOptions): Record<string, number | null> | null {
  const targets = {
    ...(options.rpo === undefined ? {} : { rpoTargetSeconds: seconds("--rpo", options.rpo, noTarget) }),
    ...(options.rto === undefined ? {} : { rtoTargetSeconds: seconds("--rto", options.rto, null) }),
    ...(options.proofDays === undefined ? {} : { proofDays: days("--proof-days", options.proofDays, noTarget) }),
    ...(options.verifyDays === undefined ? {} : { verifyDays: days("--verify-days", options.verifyDays, null) }),
  };
  return Object.keys(targets).length === 0 ? null : targets;
}

function seconds(option: string, text: string, none: number | null): number | null {
  if (text === "none") return none;
  if (text === "usual") return null;
  const durationMs = parseDuration(text);
  if (durationMs !== null && durationMs % 1_000 === 0) return durationMs / 1_000;
  throw new AppError("bad-request", {
    message: `${option} takes a duration in whole seconds, none or usual, not ${text}`,
    hint: `for example ${formatDuration(90_000)}, 5min, 2h or 1d`,
  });
}

function days(option: string, text: string, none: number | null): number | null {
  if (text === "none") return none;
  if (text === "usual") return null;
  const count = Number(text);
  if (Number.isSafeInteger(count) && count >= 1) return count;
  throw new AppError("bad-request", {
    message: `${option} takes a whole number of days from 1 on, none or usual, not ${text}`,
  });
}

/** As the api takes a target that shall not be: null is the usual one there. */
export const noTarget = 0;
