import { compareLsn, laterOf } from "./lsn-order.ts";
import type { PathBase } from "./path-bases.ts";
import { type RecoveryPath, timelineAt } from "./recovery-path.ts";
import type { KnownGap, RecoverableStretch, WalGap } from "./recovery-types.ts";

/** What is missing on a path: between what is there, and behind its end where somebody saw WAL being lost. */
export function gapsOf(
  path: RecoveryPath,
  bases: readonly PathBase[],
  stretches: readonly RecoverableStretch[],
  knownGaps: readonly KnownGap[],
): WalGap[] {
  const known = knownGaps.filter(({ timeline }) => path.steps.some(({ wal }) => wal.timeline === timeline));
  const gaps: WalGap[] = [];
  const there = coverageOf(path, bases);
  for (const [index, { toLsn }] of there.entries()) {
    const next = there[index + 1];
    if (next !== undefined) gaps.push(describe(path, stretches, known, { fromLsn: toLsn, toLsn: next.fromLsn }));
  }
  const endLsn = there.at(-1)?.toLsn ?? 0n;
  for (const gap of known) {
    if (gap.timeline !== path.timeline || gap.toLsn <= endLsn) continue;
    const fromLsn = laterOf(gap.fromLsn, endLsn);
    gaps.push(describe(path, stretches, [gap], { fromLsn, toLsn: gap.toLsn }));
  }
  return gaps;
}

interface LsnRange {
  readonly fromLsn: bigint;
  readonly toLsn: bigint;
}

/** Archived WAL and that inside backups, as ranges with something missing between each two. */
function coverageOf(path: RecoveryPath, bases: readonly PathBase[]): LsnRange[] {
  const ranges: LsnRange[] = path.runs.map(({ fromLsn, toLsn }) => ({ fromLsn, toLsn }));
  for (const { backup } of bases) {
    const included = backup.includedWal;
    if (included !== null) ranges.push({ fromLsn: included.startLsn, toLsn: included.endLsn });
  }
  ranges.sort((left, right) => compareLsn(left.fromLsn, right.fromLsn));
  const joined: { fromLsn: bigint; toLsn: bigint }[] = [];
  for (const range of ranges) {
    const last = joined.at(-1);
    if (last === undefined || last.toLsn < range.fromLsn) joined.push({ ...range });
    else if (last.toLsn < range.toLsn) last.toLsn = range.toLsn;
  }
  return joined;
}

function describe(
  path: RecoveryPath,
  stretches: readonly RecoverableStretch[],
  known: readonly KnownGap[],
  { fromLsn, toLsn }: LsnRange,
): WalGap {
  const seen = known.find((gap) => gap.fromLsn < toLsn && fromLsn < gap.toLsn);
  const noneBefore = !path.runs.some((run) => run.toLsn <= fromLsn);
  const cause = seen?.cause ?? (noneBefore ? "no WAL was archived then" : "its segments are not in the archive");
  // Whole records that end in a gap's last byte are there; what ends behind it is not.
  const before = stretches.findLast(({ to }) => to.lsn <= fromLsn)?.to ?? null;
  const after = stretches.find(({ from }) => from.lsn >= toLsn)?.from ?? null;
  return { timeline: timelineAt(path, fromLsn), fromLsn, toLsn, cause, before, after };
}
