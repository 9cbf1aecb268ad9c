import type { Instant, Lifetime, TimelineWindow } from "./window-query.ts";

/** The recoverable time line as something to draw and to choose from: milliseconds since 1970 on one axis, a lane per timeline. */
export interface TimelineModel {
  readonly lanes: readonly Lane[];
  /** From the first thing there is to the present. */
  readonly domain: Range;
  /** Where the newest durable commit is, and on which lane; null: there is none. */
  readonly edge: { readonly ms: number; readonly timeline: number } | null;
}

export interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Lane {
  readonly timeline: number;
  readonly parent: number | null;
  /** Where it leaves its parent on the axis, as far as commits tell; null: a first one, or nothing tells. */
  readonly forkMs: number | null;
  readonly spans: readonly Span[];
  readonly marks: readonly Mark[];
}

export interface Span extends Range {
  readonly kind: "recoverable" | "gap" | "without-base";
  /** A sentence for the tooltip and for whoever cannot see the drawing. */
  readonly title: string;
  readonly before: Instant | null;
  readonly after: Instant | null;
}

export interface Mark {
  readonly kind: "backup" | "restore-point";
  readonly ms: number;
  readonly title: string;
  readonly lsn: string;
  /** Whether one can restore to it. */
  readonly reachable: boolean;
}

/** What is drawn of one cluster. Pieces of which no commit tells the time lie where their neighbours leave room. */
export function buildModel(lifetime: Lifetime, now: Date): TimelineModel {
  const lanes = lifetime.timelines.map((timeline) => laneOf(timeline, lifetime.timelines));
  const all = lanes.flatMap(({ spans, marks }) => [
    ...spans.flatMap((s) => [s.fromMs, s.toMs]),
    ...marks.map((m) => m.ms),
  ]);
  const fromMs = Math.min(...all, now.getTime() - hourMs);
  const toMs = Math.max(...all, now.getTime());
  const commit = lifetime.liveEdge?.lastCommit ?? null;
  const edge =
    lifetime.liveEdge === null || commit === null
      ? null
      : { ms: Date.parse(commit.at), timeline: lifetime.liveEdge.timeline };
  return { lanes, domain: padded({ fromMs, toMs }), edge };
}

function laneOf(window: TimelineWindow, all: readonly TimelineWindow[]): Lane {
  const stretches = window.stretches.map((stretch): Span => {
    const ends = stretch.backups.map(({ finishedAt }) => millis(finishedAt)).filter((ms) => ms !== null);
    const fromMs = millis(stretch.from.at) ?? Math.min(...ends, millis(stretch.to.at) ?? Number.POSITIVE_INFINITY);
    const toMs = Math.max(millis(stretch.to.at) ?? fromMs, fromMs);
    const backups = `${stretch.backupCount} backup${stretch.backupCount === 1 ? "" : "s"}`;
    return {
      kind: "recoverable",
      fromMs,
      toMs,
      title: `Recoverable, ${backups}`,
      before: stretch.from,
      after: stretch.to,
    };
  });
  const gaps = window.gaps.map((gap): Span => {
    const fromMs = millis(gap.before?.at) ?? firstOf(stretches);
    const toMs = millis(gap.after?.at) ?? Math.max(fromMs, lastOf(stretches));
    return {
      kind: "gap",
      fromMs,
      toMs: Math.max(fromMs, toMs),
      title: `Gap: ${gap.cause}`,
      before: gap.before,
      after: gap.after,
    };
  });
  const baseless = window.withoutBase.flatMap((part): Span[] => {
    const fromMs = millis(part.from.at);
    const toMs = millis(part.to.at);
    if (fromMs === null || toMs === null) return [];
    const title = "WAL that no backup comes before";
    return [{ kind: "without-base", fromMs, toMs, title, before: null, after: null }];
  });
  const spans = [...baseless, ...gaps, ...stretches].filter(
    ({ fromMs, toMs }) => Number.isFinite(fromMs) && Number.isFinite(toMs),
  );
  const marks = [...backupMarks(window), ...pointMarks(window)].sort((left, right) => left.ms - right.ms);
  return { timeline: window.timeline, parent: window.parent, forkMs: forkOf(window, all), spans, marks };
}

function backupMarks({ stretches }: TimelineWindow): Mark[] {
  return stretches.flatMap(({ backups }) =>
    backups.flatMap((backup) => {
      const ms = millis(backup.finishedAt);
      if (ms === null || backup.stopLsn === null) return [];
      return [
        {
          kind: "backup" as const,
          ms,
          title: `Backup ${backup.label ?? backup.id}`,
          lsn: backup.stopLsn,
          reachable: true,
        },
      ];
    }),
  );
}

function pointMarks({ restorePoints }: TimelineWindow): Mark[] {
  return restorePoints.map(({ name, at, lsn, reachable }) => ({
    kind: "restore-point",
    ms: Date.parse(at),
    title: `Restore point ${name}`,
    lsn,
    reachable,
  }));
}

/** The last thing of the parent that is before the fork, by LSN. */
function forkOf({ parent, switchLsn }: TimelineWindow, all: readonly TimelineWindow[]): number | null {
  const of = all.find(({ timeline }) => timeline === parent);
  if (of === undefined || switchLsn === null) return null;
  const known = of.stretches
    .flatMap(({ from, to }) => [from, to])
    .filter(({ lsn, at }) => at !== null && compareLsn(lsn, switchLsn) <= 0)
    .map(({ at }) => Date.parse(at ?? ""));
  return known.length === 0 ? null : Math.max(...known);
}

/** Whether one can restore to an instant of a lane. */
export function isRecoverable(lane: Lane, ms: number): boolean {
  return lane.spans.some((span) => span.kind === "recoverable" && span.fromMs <= ms && ms <= span.toMs);
}

/** The instant nearest to `ms` that can be restored to; null: the lane has none. */
export function nearestRecoverable(lane: Lane, ms: number): number | null {
  let best: number | null = null;
  for (const { kind, fromMs, toMs } of lane.spans) {
    if (kind !== "recoverable") continue;
    const near = Math.min(Math.max(ms, fromMs), toMs);
    if (best === null || Math.abs(near - ms) < Math.abs(best - ms)) best = near;
  }
  return best;
}

/** The mark within `withinMs` of an instant that one can restore to, the nearest of several; null: none. */
export function snapTo(lane: Lane, ms: number, withinMs: number): Mark | null {
  let best: Mark | null = null;
  for (const mark of lane.marks) {
    const away = Math.abs(mark.ms - ms);
    if (mark.reachable && away <= withinMs && (best === null || away < Math.abs(best.ms - ms))) best = mark;
  }
  return best;
}

/** The next instant in a direction, past what cannot be restored to; the same when there is none. */
export function step(lane: Lane, ms: number, byMs: number): number {
  const wanted = ms + byMs;
  if (isRecoverable(lane, wanted)) return wanted;
  const ahead = lane.spans
    .filter(({ kind }) => kind === "recoverable")
    .map(({ fromMs, toMs }) => (byMs > 0 ? fromMs : toMs))
    .filter((edge) => (byMs > 0 ? edge > ms : edge < ms));
  const end = nearestRecoverable(lane, wanted) ?? ms;
  const beyond = byMs > 0 ? Math.min(...ahead) : Math.max(...ahead);
  if (end !== ms && (byMs > 0 ? end > ms : end < ms)) return end;
  return Number.isFinite(beyond) ? beyond : ms;
}

/** A range around a point, `factor` times as wide, within `bounds` and never under two seconds. */
export function zoom(range: Range, bounds: Range, aroundMs: number, factor: number): Range {
  const width = Math.min(Math.max((range.toMs - range.fromMs) * factor, minimumMs), bounds.toMs - bounds.fromMs);
  const share = (aroundMs - range.fromMs) / (range.toMs - range.fromMs);
  return within({ fromMs: aroundMs - width * share, toMs: aroundMs + width * (1 - share) }, bounds);
}

/** A range of the same width, moved to lie within the bounds. */
export function within({ fromMs, toMs }: Range, bounds: Range): Range {
  const width = Math.min(toMs - fromMs, bounds.toMs - bounds.fromMs);
  const start = Math.min(Math.max(fromMs, bounds.fromMs), bounds.toMs - width);
  return { fromMs: start, toMs: start + width };
}

/** `0/10003E8` against `0/4FFFFF8`: by value, since text of LSNs is not padded. */
export function compareLsn(left: string, right: string): number {
  const [one, other] = [lsnValue(left), lsnValue(right)];
  return one < other ? -1 : one > other ? 1 : 0;
}

function lsnValue(lsn: string): bigint {
  const [high = "0", low = "0"] = lsn.split("/");
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
}

function padded({ fromMs, toMs }: Range): Range {
  const padding = Math.max((toMs - fromMs) * 0.02, 1000);
  return { fromMs: fromMs - padding, toMs: toMs + padding };
}

function firstOf(spans: readonly Span[]): number {
  return Math.min(...spans.map(({ fromMs }) => fromMs));
}

function lastOf(spans: readonly Span[]): number {
  return Math.max(...spans.map(({ toMs }) => toMs));
}

function millis(at: string | null | undefined): number | null {
  return at === null || at === undefined ? null : Date.parse(at);
}

const hourMs = 3_600_000;
const minimumMs = 2_000;
