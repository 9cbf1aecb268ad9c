import { earlierOf, laterOf } from "./lsn-order.ts";
import { holdsItsWal, type PathBase } from "./path-bases.ts";
import type { RecoveryPath } from "./recovery-path.ts";
import type { WalNeed } from "./target-types.ts";
import { itemIndexAt, type WalItem } from "./timeline-wal.ts";

/** The archived WAL that a recovery from a base reads until `throughLsn`. What is inside the backup is not asked for. */
export function walNeeds({ backup, run }: PathBase, throughLsn: bigint): WalNeed[] {
  const fromLsn = holdsItsWal(backup) ? (backup.includedWal?.endLsn ?? backup.stopLsn) : backup.startLsn;
  const needs: WalNeed[] = [];
  for (const piece of run?.pieces ?? []) {
    if (piece.toLsn <= fromLsn || piece.fromLsn >= throughLsn) continue;
    const first = itemIndexAt(piece.wal, laterOf(fromLsn, piece.fromLsn));
    const last = itemIndexAt(piece.wal, earlierOf(throughLsn, piece.toLsn) - 1n);
    const newest = piece.wal.items[last] as WalItem;
    needs.push({
      timeline: piece.wal.timeline,
      fromLsn: (piece.wal.items[first] as WalItem).startLsn,
      toLsn: newest.endLsn,
      segmentCount: last - first + (newest.partial ? 0 : 1),
      partialStartLsn: newest.partial ? newest.startLsn : null,
    });
  }
  return needs;
}

/** Timelines on the way whose history a recovery reads. */
export function historiesOf(path: RecoveryPath): number[] {
  return path.steps.filter(({ wal }) => wal.parent !== null).map(({ wal }) => wal.timeline);
}
