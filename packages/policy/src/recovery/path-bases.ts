import type { LifetimeWal } from "./lifetime-wal.ts";
import {
  commitsMet,
  itemsBetween,
  lastCommitUntil,
  type PathRun,
  type RecoveryPath,
  runWith,
} from "./recovery-path.ts";
import type { WindowBackup } from "./recovery-types.ts";

/** A backup from which a recovery to the path's timeline can begin. */
export interface PathBase {
  readonly backup: WindowBackup;
  /** The WAL that goes on from it; null: there is only what the backup itself holds. */
  readonly run: PathRun | null;
  /**
   * No commit that the backup already holds is later than this by the server's clock (in milliseconds): a target time has
   * to be later. At the same millisecond one cannot tell, since the server counts microseconds.
   */
  readonly committedUntilMs: number;
}

/** The bases of a path by their stop. A backup whose own WAL is not whole is none. */
export function basesOf(lifetime: LifetimeWal, path: RecoveryPath): PathBase[] {
  const bases: PathBase[] = [];
  for (const backup of lifetime.backups) {
    if (!liesOn(path, backup)) continue;
    const run = runFor(path, backup);
    if (run === null && !holdsItsWal(backup)) continue;
    bases.push({ backup, run, committedUntilMs: committedUntilMs(backup, run) });
  }
  return bases;
}

/** Whether all WAL that a backup needs to become consistent is inside it. */
export function holdsItsWal({ includedWal, timeline, startLsn, stopLsn }: WindowBackup): boolean {
  if (includedWal === null || includedWal.timeline !== timeline) return false;
  return includedWal.startLsn <= startLsn && stopLsn <= includedWal.endLsn;
}

/**
 * PostgreSQL refuses a timeline that was forked before the backup's end ("does not contain minimum recovery point", "is not a
 * child of this server's history"). At the very byte of the fork nothing of the parent's later WAL is in the backup.
 */
function liesOn(path: RecoveryPath, backup: WindowBackup): boolean {
  const step = path.steps.find(({ wal }) => wal.timeline === backup.timeline);
  return step !== undefined && (step.toLsn === null || backup.stopLsn <= step.toLsn);
}

/** A backup that holds its own WAL goes on in the archive where that ends; any other needs the archive from its start. */
function runFor(path: RecoveryPath, backup: WindowBackup): PathRun | null {
  const archived = runWith(path, backup.startLsn, backup.stopLsn);
  if (archived !== null || !holdsItsWal(backup)) return archived;
  const endLsn = backup.includedWal?.endLsn ?? backup.stopLsn;
  return runWith(path, endLsn, endLsn);
}

/**
 * Times of commits tell it where segments were read. Else it is when the copy ended by our clock, corrected by how far the
 * server's may be ahead: everything in the backup was committed before.
 */
function committedUntilMs(backup: WindowBackup, run: PathRun | null): number {
  const stoppedMs = backup.stoppedAt.getTime() + Math.max(0, backup.serverAheadMs ?? 0);
  if (run === null) return stoppedMs;
  let latestMs = Number.NEGATIVE_INFINITY;
  for (const read of itemsBetween(run, backup.startLsn, backup.stopLsn)) {
    for (const commit of commitsMet(read, 0n)) {
      // The server's clock may go back: then an earlier commit has the later time.
      if (commit.lsn <= backup.stopLsn) latestMs = Math.max(latestMs, commit.at.getTime());
    }
  }
  const { commit, certain, bound } = lastCommitUntil(run, backup.stopLsn);
  if (commit === null || !certain) return Math.max(latestMs, stoppedMs);
  return Math.max(latestMs, commit.at.getTime(), bound?.at.getTime() ?? latestMs);
}
