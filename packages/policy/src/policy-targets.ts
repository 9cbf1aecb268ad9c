import { AppError, formatDuration } from "@tidemark/kit";
import { noTarget } from "./default-targets.ts";

/** What a policy promises beside retention: a server's protection state is measured by it. */
export interface PolicyTargets {
  /** Seconds of commits that may be lost at most; null: a minute where WAL is streamed, else nothing; `noTarget`: nothing. */
  readonly rpoTargetSeconds: number | null;
  /** Seconds a restore may take at most, as the last proven drill measured it; null: nothing is promised. */
  readonly rtoTargetSeconds: number | null;
  /** Days for which a proof by a drill counts; null: `defaultProofDays`; `noTarget`: for ever. */
  readonly proofDays: number | null;
  /** Days within which everything that is stored is read and checked by itself; null: never by itself. */
  readonly verifyDays: number | null;
}

/** The least and the most that makes sense of each, and what a number outside is told. */
const limits = {
  // A receiver tells where it stands once a second: below a few seconds a target would be missed by the looking.
  rpoTargetSeconds: {
    ...{ least: 5, most: 31 * 86_400, mayBeNone: true },
    sentence: "commits that may be lost: from 5 s to 31 days, or 0 for no target",
  },
  // No server starts and is checked in less.
  rtoTargetSeconds: {
    ...{ least: 10, most: 31 * 86_400, mayBeNone: false },
    sentence: "time a restore may take: from 10 s to 31 days",
  },
  proofDays: {
    ...{ least: 1, most: 3_650, mayBeNone: true },
    sentence: "days a proof counts: from 1 to 3650, or 0 for ever",
  },
  verifyDays: {
    ...{ least: 1, most: 366, mayBeNone: false },
    sentence: "days within which all is verified: from 1 to 366",
  },
} as const satisfies Record<keyof PolicyTargets, { least: number; most: number; mayBeNone: boolean; sentence: string }>;

/** Throws `policy-invalid` naming every target that makes no sense. */
export function checkPolicyTargets(targets: PolicyTargets): void {
  const wrong = (Object.keys(limits) as (keyof PolicyTargets)[]).filter((name) => {
    const value = targets[name];
    const { least, most, mayBeNone } = limits[name];
    if (value === null || (value === noTarget && mayBeNone)) return false;
    return !(Number.isSafeInteger(value) && value >= least && value <= most);
  });
  const [first] = wrong;
  if (first === undefined) return;
  throw new AppError("policy-invalid", {
    message: `the targets cannot be used: ${wrong.map((name) => limits[name].sentence).join("; ")}, in whole numbers`,
    hint: "nothing was changed",
    context: { field: first },
  });
}

/** The targets in words, as pages and the command show them; null when the policy names none. */
export function describeTargets(targets: PolicyTargets): string | null {
  const { rpoTargetSeconds, rtoTargetSeconds, proofDays, verifyDays } = targets;
  const parts = [
    rpoTargetSeconds === null ? null : lostWords(rpoTargetSeconds),
    rtoTargetSeconds === null ? null : `restored within ${formatDuration(rtoTargetSeconds * 1_000)}`,
    proofDays === null ? null : proofDays === noTarget ? "a proof counts for ever" : `proven every ${days(proofDays)}`,
    verifyDays === null ? null : `everything stored verified every ${days(verifyDays)}`,
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : parts.join(", ");
}

function lostWords(seconds: number): string {
  if (seconds === noTarget) return "no target for commits that may be lost";
  return `at most ${formatDuration(seconds * 1_000)} of commits lost`;
}

function days(count: number): string {
  return count === 1 ? "day" : `${count} days`;
}
