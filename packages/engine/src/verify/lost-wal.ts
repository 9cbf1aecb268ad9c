import { formatLsn, type Lsn } from "@tidemark/postgres";
import type { StoredBackup } from "@tidemark/repository";

export interface LostWal {
  readonly timeline: number;
  readonly startLsn: bigint;
  readonly endLsn: bigint;
}

/**
 * Which instants a stretch of WAL that cannot be read takes away, and what to do, as the end of a sentence. A backup holds
 * the WAL up to its stop itself, so that the first one that stops behind the stretch goes on from there.
 */
export function sayLostWal(backups: readonly StoredBackup[], { timeline, startLsn, endLsn }: LostWal): string {
  const known = backups.flatMap(({ backupId, facts }) => (facts === null ? [] : [{ backupId, ...facts }]));
  if (!known.some(({ stopLsn }) => stopLsn < endLsn)) {
    return "no backup that is kept needs it";
  }
  const behind = known.filter(({ stopLsn, stopTimeline }) => stopLsn >= endLsn && stopTimeline >= timeline);
  const from = `from ${formatLsn(startLsn as Lsn)} on timeline ${timeline}`;
  const next = behind.reduce<(typeof behind)[number] | null>(
    (best, one) => (best === null || one.stopLsn < best.stopLsn ? one : best),
    null,
  );
  if (next === null) return `nothing ${from} on can be recovered before there is a new backup: take one now`;
  const until = `${formatLsn(next.stopLsn as Lsn)} (${next.stoppedAt.toISOString()})`;
  return `instants ${from} to the end of the backup ${next.backupId} at ${until} cannot be recovered; those behind it can`;
}
