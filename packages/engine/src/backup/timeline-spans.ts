import type { TimelineAncestor, WalSummary } from "@tidemark/postgres";

/** The WAL of one timeline on the way to a server's present: from where it began to where the next one took over. */
export interface TimelineSpan {
  readonly timeline: number;
  readonly beginLsn: bigint;
  /** The first byte that belongs to the next timeline; null for the one that is written now. */
  readonly endLsn: bigint | null;
}

/** A position on one timeline. */
export interface LinePosition {
  readonly timeline: number;
  readonly lsn: bigint;
}

/** The way to `timeline`, oldest first, from its history file (`readTimeLineHistory` of timeline.c). */
export function timelineSpans(ancestors: readonly TimelineAncestor[], timeline: number): TimelineSpan[] {
  const spans: TimelineSpan[] = [];
  let beginLsn = 0n;
  for (const ancestor of ancestors) {
    spans.push({ timeline: ancestor.timeline, beginLsn, endLsn: ancestor.switchLsn });
    beginLsn = ancestor.switchLsn;
  }
  return [...spans, { timeline, beginLsn, endLsn: null }];
}

/** The pieces of the way between two positions, oldest first; null when one of them is not on it, or they are the wrong way round. */
export function spansBetween(
  line: readonly TimelineSpan[],
  from: LinePosition,
  to: LinePosition,
): readonly (TimelineSpan & { readonly endLsn: bigint })[] | null {
  const first = line.findIndex(({ timeline }) => timeline === from.timeline);
  const last = line.findIndex(({ timeline }) => timeline === to.timeline);
  if (first === -1 || last === -1 || first > last) return null;
  const pieces = line.slice(first, last + 1).map((span, index) => ({
    timeline: span.timeline,
    beginLsn: index === 0 ? from.lsn : span.beginLsn,
    endLsn: span.timeline === to.timeline ? to.lsn : (span.endLsn ?? to.lsn),
  }));
  return pieces.every(({ beginLsn, endLsn }) => beginLsn <= endLsn) ? pieces : null;
}

/**
 * The summaries of a piece's WAL: those of its timeline that overlap it, as GetWalSummaries of walsummary.c takes them. One that
 * ends where the parent starts must stay out: it tells of cuts that the parent knows already and of nothing that came after
 * them, so by its limits pages would become zeros that changed neither since nor in it. (FilterWalSummaries takes it, but
 * chooses from what GetWalSummaries gave.)
 */
export function summariesOf<Summary extends WalSummary>(
  summaries: readonly Summary[],
  { timeline, beginLsn, endLsn }: TimelineSpan,
): Summary[] {
  return summaries.filter(
    (one) => one.timeline === timeline && one.endLsn > beginLsn && (endLsn === null || one.startLsn < endLsn),
  );
}

/**
 * The first position of a piece that no summary covers, or null when all is covered (WalSummariesAreComplete). Where the
 * piece has no end yet, only holes between summaries count: what comes after the last one is still to be summarized.
 */
export function firstUnsummarized(summaries: readonly WalSummary[], span: TimelineSpan): bigint | null {
  let reached = span.beginLsn;
  const ordered = summariesOf(summaries, span).sort((left, right) => (left.startLsn < right.startLsn ? -1 : 1));
  for (const { startLsn, endLsn } of ordered) {
    if (startLsn > reached) return reached;
    if (endLsn > reached) reached = endLsn;
    if (span.endLsn !== null && reached >= span.endLsn) return null;
  }
  return span.endLsn === null || reached >= span.endLsn ? null : reached;
}

/**
 * Whether a position lies inside one of these summaries. Where a backup began it never does: there a checkpoint left its redo
 * record, and such a record is always the first of a summary (walsummarizer.c, SummarizeWAL and SummarizeXlogRecord).
 */
export function isWithinSummary(summaries: readonly WalSummary[], { timeline, lsn }: LinePosition): boolean {
  return summaries.some((one) => one.timeline === timeline && one.startLsn < lsn && lsn < one.endLsn);
}
