import type { ReachableTarget, RecoveryInput, RecoveryTarget, WindowCommit } from "@tidemark/policy";

/** The known commits on both sides of a target: what segment facts tell, so at best the first and last of each segment. */
export interface NearestCommits {
  /** The last known one that is there after the recovery; null: none is known. */
  readonly before: WindowCommit | null;
  /** The first known one that is not; null: none is known. */
  readonly after: WindowCommit | null;
}

/** Looks through the facts of the WAL on the way to a target, and of what follows it on its timeline. */
export function nearestCommits(
  { segments, partials }: RecoveryInput,
  target: RecoveryTarget,
  { systemIdentifier, timeline, through, wal }: ReachableTarget,
): NearestCommits {
  const isThere = (commit: WindowCommit) => {
    if (commit.lsn > through.lsn) return false;
    if (target.kind !== "time") return true;
    return target.inclusive ? commit.at <= target.at : commit.at < target.at;
  };
  let before: WindowCommit | null = null;
  let after: WindowCommit | null = null;
  for (const piece of [...segments, ...partials]) {
    if (piece.systemIdentifier !== systemIdentifier || piece.facts === null) continue;
    const isOnWay = wal.some(
      (need) => need.timeline === piece.timeline && need.fromLsn <= piece.startLsn && piece.startLsn < need.toLsn,
    );
    const follows = piece.timeline === timeline && piece.startLsn >= through.lsn;
    if (!isOnWay && !follows) continue;
    for (const commit of [piece.facts.firstCommit, piece.facts.lastCommit]) {
      if (commit === null) continue;
      if (isOnWay && isThere(commit)) {
        if (before === null || commit.lsn > before.lsn) before = commit;
      } else if (!isThere(commit) && (after === null || commit.lsn < after.lsn)) after = commit;
    }
  }
  return { before, after };
}
