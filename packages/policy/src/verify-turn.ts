import { formatAge } from "@tidemark/kit";

/** The runs that verified one part of all that a server has in a repository; `part` 1 of 1 is everything at once. */
export interface VerifiedPart {
  readonly part: number;
  readonly of: number;
  /** When the first of them was asked for. */
  readonly firstAt: Date;
  /** When the last of them was asked for. */
  readonly lastAt: Date;
  /** When the last of them ended with a verdict, good or bad: it was read then. Null when none did. */
  readonly verifiedAt: Date | null;
  /** One of them is not over. */
  readonly isRunning: boolean;
}

export interface VerifyTurnFacts {
  /** Days within which everything is to be verified: as many parts, one about each day. */
  readonly days: number;
  readonly parts: readonly VerifiedPart[];
  readonly now: Date;
}

export interface VerifyTurn {
  /** What to verify now; null: nothing yet. Its `of` is `days`. */
  readonly next: number | null;
  /** Something was not read for longer than promised, and by more than a day. */
  readonly late: boolean;
  /** How many of the `days` parts were read within so many days. */
  readonly freshParts: number;
  /** When the part that was read longest ago was read; null while one never was. */
  readonly since: Date | null;
  readonly sentence: string;
}

/**
 * Whose turn it is when everything is to be verified every so many days. A part a day, the one that was read longest ago
 * first; what is overdue follows one upon the other. An attempt without a verdict is repeated after an hour.
 */
export function verifyTurn({ days, parts, now }: VerifyTurnFacts): VerifyTurn {
  const ours = parts.filter(({ of }) => of === days || of === 1);
  const readAt = Array.from({ length: days }, (_, index) => lastRead(ours, index + 1));
  const begunAt = oldest(ours.map(({ firstAt }) => firstAt));
  const ageOf = (at: Date | null): number => (begunAt === null ? 0 : now.getTime() - (at ?? begunAt).getTime());
  const ages = readAt.map(ageOf);
  const promisedMs = days * dayMs;
  const freshParts = readAt.filter((at) => at !== null && ageOf(at) <= promisedMs).length;
  const late = Math.max(...ages) > promisedMs + dayMs;
  const since = readAt.some((at) => at === null) ? null : oldest(readAt.filter((at) => at !== null));
  const waitMs = waitOf(ours, Math.max(...ages) > promisedMs);
  const isDue = !ours.some(({ isRunning }) => isRunning) && sinceLast(ours, now) >= waitMs;
  return {
    next: isDue ? longestAgo(readAt) + 1 : null,
    late,
    freshParts,
    since,
    sentence: sentenceOf({ days, freshParts, since, late, oldestMs: Math.max(...ages) }, now),
  };
}

function lastRead(parts: readonly VerifiedPart[], wanted: number): Date | null {
  const times = parts.flatMap(({ part, of, verifiedAt }) =>
    verifiedAt !== null && (of === 1 || part === wanted) ? [verifiedAt.getTime()] : [],
  );
  return times.length === 0 ? null : new Date(Math.max(...times));
}

/** The index of the part that was read longest ago; one that never was comes first. */
function longestAgo(readAt: readonly (Date | null)[]): number {
  const times = readAt.map((at) => at?.getTime() ?? Number.NEGATIVE_INFINITY);
  return times.indexOf(Math.min(...times));
}

function waitOf(parts: readonly VerifiedPart[], isOverdue: boolean): number {
  const [last] = [...parts].sort((left, right) => right.lastAt.getTime() - left.lastAt.getTime());
  if (last === undefined) return 0;
  if (last.verifiedAt === null || last.verifiedAt < last.lastAt) return retryMs;
  return isOverdue ? 0 : turnMs;
}

function sinceLast(parts: readonly VerifiedPart[], now: Date): number {
  if (parts.length === 0) return Number.POSITIVE_INFINITY;
  return now.getTime() - Math.max(...parts.map(({ lastAt }) => lastAt.getTime()));
}

interface Standing extends Pick<VerifyTurn, "freshParts" | "since" | "late"> {
  readonly days: number;
  readonly oldestMs: number;
}

function sentenceOf({ days, freshParts, since, late, oldestMs }: Standing, now: Date): string {
  const promise = days === 1 ? "every day" : `every ${days} days`;
  const age = formatAge(late || since === null ? oldestMs : now.getTime() - since.getTime());
  if (late) return `not everything stored was verified for ${age}, and ${promise} is the target`;
  if (since !== null) return `everything stored was verified within ${age}, and ${promise} is the target`;
  return `verified by parts, ${freshParts} of ${days} so far: everything stored ${promise} is the target`;
}

function oldest(times: readonly Date[]): Date | null {
  return times.length === 0 ? null : new Date(Math.min(...times.map((at) => at.getTime())));
}

const dayMs = 86_400_000;
/** A little less than a day, so that all turns are over within the days although a run waits or takes long. */
const turnMs = 23 * 3_600_000;
/** A store that was away is asked again, but not all the time. */
const retryMs = 3_600_000;
