import type { Lsn, TimelineAncestor } from "@tidemark/postgres";
import { walSegmentStart } from "@tidemark/postgres/segment-reading";

/** The way a server came: the timelines it followed, and where it is. */
export interface ServerHistory {
  readonly timeline: number;
  /** Oldest first. */
  readonly ancestors: readonly TimelineAncestor[];
}

/** How far an archive reaches on one timeline. */
export interface TimelineReach {
  readonly timeline: number;
  /** The end of the newest whole segment; null: there is none. */
  readonly wholeEndLsn: bigint | null;
  /** Of the newest segment that is not whole and of which there is something. */
  readonly partial: { readonly startLsn: bigint; readonly endLsn: bigint } | null;
}

export interface StartPoint {
  readonly timeline: number;
  /** The start of a segment. */
  readonly startLsn: Lsn;
  /** Up to here all is durable already; not before `startLsn`. */
  readonly durableLsn: Lsn;
}

/** The server's timelines, oldest first, each with where it was left; null: it was not. */
export function timelineChain(history: ServerHistory): readonly { timeline: number; switchLsn: Lsn | null }[] {
  return [...history.ancestors, { timeline: history.timeline, switchLsn: null }];
}

/** The timeline of the server's history that wrote the byte at `lsn`. */
export function timelineAt(history: ServerHistory, lsn: bigint): number {
  const found = timelineChain(history).find(({ switchLsn }) => switchLsn === null || lsn < switchLsn);
  return found?.timeline ?? history.timeline;
}

/**
 * Where receiving goes on: on the newest timeline of this server's own history of which the archive has anything, behind
 * the last whole segment; a segment that is not whole is received again from its beginning. When all of that timeline is
 * there, with the segment in which the next one begins.
 *
 * Branches the server did not take do not count, however new they are. Null: the archive has nothing of this history.
 */
export function chooseStart(
  reaches: readonly TimelineReach[],
  history: ServerHistory,
  segmentSizeBytes: number,
): StartPoint | null {
  const chain = timelineChain(history);
  for (const [index, { timeline, switchLsn }] of [...chain.entries()].reverse()) {
    const reach = reaches.find((candidate) => candidate.timeline === timeline);
    if (reach === undefined || (reach.wholeEndLsn === null && reach.partial === null)) continue;
    // Behind a gap there may be nothing but a part of a segment.
    const startLsn = laterLsn(reach.wholeEndLsn ?? 0n, reach.partial?.startLsn ?? 0n);
    const durableLsn = laterLsn(startLsn, reach.partial?.endLsn ?? 0n);
    const next = chain[index + 1];
    if (switchLsn === null || durableLsn < switchLsn || next === undefined) {
      return { timeline, startLsn: startLsn as Lsn, durableLsn: durableLsn as Lsn };
    }
    return {
      timeline: next.timeline,
      startLsn: walSegmentStart(switchLsn, segmentSizeBytes),
      durableLsn: switchLsn,
    };
  }
  return null;
}

/**
 * What is stored beyond the end of the server's own WAL is not this server's: it was put back to an earlier state, or is a
 * standby that lags. Then nothing of the segment counts as durable before it was received again, since what the server
 * writes now may be other bytes at the same place, and commits may wait for them.
 */
export function withinServer(
  start: StartPoint,
  server: { readonly timeline: number; readonly flushLsn: bigint },
): StartPoint {
  if (start.timeline !== server.timeline || start.durableLsn <= server.flushLsn) return start;
  return { ...start, durableLsn: start.startLsn };
}

/** The later one of two positions. */
export function laterLsn(left: bigint, right: bigint): bigint {
  if (left > right) return left;
  return right;
}
