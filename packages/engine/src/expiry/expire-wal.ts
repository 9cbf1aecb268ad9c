import { AppError, formatBytes } from "@tidemark/kit";
import { type WalRetentionPlan, type WindowSegment, walRetention } from "@tidemark/policy";
import { type ActControl, reachStep } from "../act.ts";
import type { ExpiryDeps } from "./expire.ts";
import { readKeptBackups, takeWalCensus, type WalCensus } from "./wal-census.ts";

/** Which WAL goes, as a value: shown, and executed later if the world still agrees. */
export interface WalExpiryPlan {
  readonly serverId: string;
  readonly windowDays: number | null;
  readonly census: WalCensus;
  readonly retention: WalRetentionPlan;
}

export interface WalExpiryReport {
  readonly keptSegments: number;
  readonly removedSegments: readonly WindowSegment[];
  readonly freedBytes: bigint;
  /** Why nothing was removed although something could go; null: everything planned went. */
  readonly postponed: string | null;
}

/** Decides by what the repository holds now, so after retention deleted backups: their WAL goes with them. */
export async function planWalExpiry(
  deps: ExpiryDeps,
  { windowDays }: { readonly windowDays: number | null },
  signal: AbortSignal,
): Promise<WalExpiryPlan> {
  const census = await takeWalCensus(deps.area, signal);
  return { serverId: deps.area.serverId, windowDays, census, retention: await decide(deps, windowDays, census) };
}

async function decide(deps: ExpiryDeps, windowDays: number | null, census: WalCensus): Promise<WalRetentionPlan> {
  const { usable, damaged } = await readKeptBackups(deps.area);
  return walRetention({ ...census, backups: usable, damagedBackups: damaged, windowDays, now: deps.clock.now() });
}

/**
 * Removes what the plan names, oldest first within each timeline: whatever dies, what is left is a stretch with a later
 * beginning. Histories and other files go last, so that no segment is left whose way nobody knows. Before each part the
 * decision is made anew with the backups that are there then: one that came meanwhile (a copy from another repository) and
 * needs a segment of the plan makes it refuse with `plan-stale`. While somebody reads, nothing goes.
 */
export async function executeWalExpiry(
  deps: ExpiryDeps,
  plan: WalExpiryPlan,
  control: ActControl,
): Promise<WalExpiryReport> {
  const { removeSegments, kept } = plan.retention;
  const removed: WindowSegment[] = [];
  let freedBytes = 0n;
  const report = (postponed: string | null): WalExpiryReport => ({
    keptSegments: kept.reduce((sum, range) => sum + range.segmentCount, 0),
    removedSegments: removed,
    freedBytes,
    postponed,
  });
  if (isEmpty(plan.retention)) return report(null);
  const message = `removing ${removeSegments.length} WAL segments nothing needs any more`;
  control.emit({ kind: "phase", phase: "removing-wal", message });
  for (const part of partsOf(removeSegments)) {
    await reachStep(control, removed.length === 0 ? "expiry:before-wal" : "expiry:between-wal");
    if (await deps.area.isBeingRead()) return report("somebody reads from the repository now");
    await refuseStale(deps, plan, part.segments);
    const archive = deps.area.wal(part.systemIdentifier);
    const places = part.segments.map(({ timeline, startLsn, sizeBytes }) => ({ timeline, startLsn, sizeBytes }));
    const { removedBytes } = await archive.removeSegments(places, { signal: control.signal });
    freedBytes += BigInt(removedBytes);
    removed.push(...part.segments);
  }
  await removeRest(deps, plan, control);
  control.emit({
    kind: "log",
    level: "info",
    message: `${removed.length} WAL segments removed, ${formatBytes(freedBytes)} freed`,
  });
  return report(null);
}

/** Timelines of which nothing is left: their pieces, files and history, in that order. Then pieces that came to nothing. */
async function removeRest(deps: ExpiryDeps, plan: WalExpiryPlan, control: ActControl): Promise<void> {
  const { removeHistories, removePartials } = plan.retention;
  if (await deps.area.isBeingRead()) return;
  await refuseStale(deps, plan, []);
  for (const { systemIdentifier, timeline } of removeHistories) {
    await reachStep(control, "expiry:between-wal");
    await deps.area.wal(systemIdentifier).removeTimeline(timeline, { signal: control.signal });
  }
  const gone = new Set(removeHistories.map((one) => `${one.systemIdentifier}/${one.timeline}`));
  for (const { systemIdentifier, timeline, startLsn } of removePartials) {
    if (gone.has(`${systemIdentifier}/${timeline}`)) continue;
    const sizeBytes = sizeIn(plan.census, systemIdentifier);
    // Without a whole segment beside it nobody knows its size: it is small, and goes with its timeline.
    if (sizeBytes === null) continue;
    await reachStep(control, "expiry:between-wal");
    // It may be whole by now: that is another question, and the next plan's.
    const place = { timeline, startLsn, sizeBytes };
    await deps.area.wal(systemIdentifier).removeSegments([place], { piecesOnly: true });
  }
}

function isEmpty({ removeSegments, removeHistories, removePartials }: WalRetentionPlan): boolean {
  return removeSegments.length + removeHistories.length + removePartials.length === 0;
}

function sizeIn(census: WalCensus, systemIdentifier: bigint): number | null {
  return census.segments.find((segment) => segment.systemIdentifier === systemIdentifier)?.sizeBytes ?? null;
}

interface Part {
  readonly systemIdentifier: bigint;
  readonly segments: readonly WindowSegment[];
}

/** A few hundred of one cluster at a time: small enough to look again between them. */
function* partsOf(segments: readonly WindowSegment[]): Generator<Part> {
  const byCluster = Map.groupBy(segments, (segment) => segment.systemIdentifier);
  for (const [systemIdentifier, all] of byCluster) {
    for (let index = 0; index < all.length; index += partSize) {
      yield { systemIdentifier, segments: all.slice(index, index + partSize) };
    }
  }
}

async function refuseStale(deps: ExpiryDeps, plan: WalExpiryPlan, part: readonly WindowSegment[]): Promise<void> {
  if (plan.serverId !== deps.area.serverId) throw stale("it was made for another server");
  const today = await decide(deps, plan.windowDays, plan.census);
  const going = new Set(today.removeSegments);
  if (part.some((segment) => !going.has(segment))) throw stale("a backup needs WAL that it would remove");
  const histories = new Set(today.removeHistories.map((one) => `${one.systemIdentifier}/${one.timeline}`));
  const kept = plan.retention.removeHistories.find((one) => !histories.has(`${one.systemIdentifier}/${one.timeline}`));
  if (kept !== undefined) throw stale(`a backup needs timeline ${kept.timeline}`);
}

function stale(why: string): AppError {
  return new AppError("plan-stale", {
    message: `the plan for WAL is out of date: ${why}`,
    hint: "what it had not come to was not removed; the next retention plans anew",
  });
}

const partSize = 500;
