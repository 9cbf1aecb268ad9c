import { formatLsn, type Lsn, walSegmentName, walSegmentStart } from "@tidemark/postgres";
import type { WalArchive } from "@tidemark/repository";
import type { RecoveryPlan } from "../point-in-time/recovery-request.ts";
import { type DrillCheck, plainCheck } from "./drill-question.ts";
import type { RecoveredPoint } from "./follow-recovery.ts";

/**
 * Whether what was missing when a recovery to the end of the WAL was planned is missing still: of what a server pushes, a
 * later segment may be there before an earlier one that is on its way. What nobody missed is not.
 */
export async function isGapStill(
  archive: Pick<WalArchive, "describe">,
  { gap, request }: RecoveryPlan,
  segmentSizeBytes: number,
): Promise<boolean> {
  if (gap === null || request.target.kind !== "latest") return false;
  const startLsn = walSegmentStart(gap.fromLsn as Lsn, segmentSizeBytes);
  return (await archive.describe(walSegmentName(gap.timeline, startLsn, segmentSizeBytes))) === null;
}

/** A recovery to the end of the WAL that ended before a gap: newer WAL is archived, and nobody gets there. */
export function endedAtGap({ gap, timeline }: RecoveryPlan, reached: RecoveredPoint): DrillCheck {
  const missing =
    gap === null
      ? ""
      : `${formatLsn(gap.fromLsn as Lsn)} to ${formatLsn(gap.toLsn as Lsn)} on timeline ${gap.timeline}`;
  const detail = `the recovery stopped at ${sayPoint(reached)} on timeline ${timeline}, before missing WAL (${missing}): the newer WAL behind it cannot be reached until a backup is taken there`;
  return plainCheck("reached the target", false, detail);
}

/**
 * Whether a recovery got where it should. With a target PostgreSQL refuses to end before it; with `latest` it ends at
 * the first record it cannot read, wherever that is, so what it applied is compared with what is known to be archived.
 */
export function reachedCheck(
  { recoverAs, through, segments, timeline }: RecoveryPlan,
  reached: RecoveredPoint,
  lastMissing: string | null,
): DrillCheck {
  const name = "reached the target";
  const where = `${sayPoint(reached)} on timeline ${timeline}`;
  if (recoverAs.kind !== "latest" || reached.lsn === null) return plainCheck(name, true, where);
  // Where nobody read the WAL its end is only known to be in the last segment.
  const least = through.at === null ? (segments.at(-1)?.startLsn ?? 0n) : through.lsn;
  const isThere = reached.lsn >= least || (through.at !== null && (reached.at?.getTime() ?? 0) >= through.at.getTime());
  if (isThere) return plainCheck(name, true, where);
  const missing = lastMissing === null ? "" : `; the first segment it did not get is ${lastMissing}`;
  const detail = `the recovery ended at ${where}, before the archived WAL does at ${formatLsn(through.lsn as Lsn)}${missing}`;
  return plainCheck(name, false, detail);
}

function sayPoint({ lsn, at }: RecoveredPoint): string {
  const place = lsn === null ? "a place nobody could ask for" : `LSN ${formatLsn(lsn as Lsn)}`;
  return at === null ? place : `${place}, last commit ${at.toISOString()}`;
}
