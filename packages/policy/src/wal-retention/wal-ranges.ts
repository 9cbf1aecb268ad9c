import { compareLsn } from "../recovery/lsn-order.ts";
import type { WindowSegment } from "../recovery/recovery-types.ts";
import type { WalRange } from "./wal-retention-types.ts";

interface Reason<Code extends string> {
  readonly code: Code;
  readonly sentence: string;
}

/** Segments as runs of one reason, by lifetime, timeline and place. */
export function rangesOf<Code extends string>(
  segments: readonly WindowSegment[],
  reasonFor: (segment: WindowSegment) => Reason<Code>,
): WalRange<Code>[] {
  const sorted = [...segments].sort(byPlace);
  const ranges: { -readonly [Key in keyof WalRange<Code>]: WalRange<Code>[Key] }[] = [];
  for (const segment of sorted) {
    const { systemIdentifier, timeline, startLsn, sizeBytes } = segment;
    const { code, sentence } = reasonFor(segment);
    const toLsn = startLsn + BigInt(sizeBytes);
    const last = ranges.at(-1);
    if (
      last?.systemIdentifier === systemIdentifier &&
      last.timeline === timeline &&
      last.sentence === sentence &&
      last.toLsn === startLsn
    ) {
      last.toLsn = toLsn;
      last.segmentCount++;
    } else ranges.push({ systemIdentifier, timeline, fromLsn: startLsn, toLsn, segmentCount: 1, code, sentence });
  }
  return ranges;
}

/** By lifetime, timeline and start. */
export function byPlace(left: WindowSegment, right: WindowSegment): number {
  if (left.systemIdentifier !== right.systemIdentifier) {
    return compareLsn(left.systemIdentifier, right.systemIdentifier);
  }
  return left.timeline - right.timeline || compareLsn(left.startLsn, right.startLsn);
}
