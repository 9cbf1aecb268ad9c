import { AppError, formatDuration } from "@tidemark/kit";

/** What a policy promises beside retention: a server's protection state is measured by it. */
export interface PolicyTargets {
  /** Seconds of commits that may be lost at most; null: `defaultRpoTargetSeconds` where WAL is streamed, else nothing. */
  readonly rpoTargetSeconds: number | null;
  /** Seconds a restore may take at most, as the last proven drill measured it; null: nothing is promised. */
  readonly rtoTargetSeconds: number | null;
  /** Days for which a proof by a drill counts; null: `defaultProofDays`. */
  readonly proofDays: number | null;
  /** Days within which everything that is stored is read and checked by itself; null: never by itself. */
  readonly verifyDays: number | null;
}

/** The least and the most that makes sense of each, and what a number outside is told. */
const limits = {
  // A receiver tells where it stands once a second: below a few seconds a target would be missed by the looking.
  rpoTargetSeconds: { least: 5, most: 31 * 86_400, sentence: "commits that may be lost: from 5 s to 31 days" },
  // No server starts and is checked in less.
  rtoTargetSeconds: { least: 10, most: 31 * 86_400, sentence: "time a restore may take: from 10 s to 31 days" },
  proofDays: { least: 1, most: 3_650, sentence: "days a proof counts: from 1 to 3650" },
  verifyDays: { least: 1, most: 366, sentence: "days within which all is verified: from 1 to 366" },
} as const satisfies Record<keyof PolicyTargets, { least: number; most: number; sentence: string }>;

/** Throws `policy-invalid` naming every target that makes no sense. */
export function checkPolicyTargets(targets: PolicyTargets): void {
  const wrong = (Object.keys(limits) as (keyof PolicyTargets)[]).filter((name) => {
    const value = targets[name];
    return (
      value !== null && !(Number.isSafeInteger(value) && value >= limits[name].least && value <= limits[name].most)
    );
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
    rpoTargetSeconds === null ? null : `at most ${formatDuration(rpoTargetSeconds * 1_000)} of commits lost`,
    rtoTargetSeconds === null ? null : `restored within ${formatDuration(rtoTargetSeconds * 1_000)}`,
    proofDays === null ? null : `proven every ${days(proofDays)}`,
    verifyDays === null ? null : `everything stored verified every ${days(verifyDays)}`,
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : parts.join(", ");
}

function days(count: number): string {
  return count === 1 ? "day" : `${count} days`;
}
