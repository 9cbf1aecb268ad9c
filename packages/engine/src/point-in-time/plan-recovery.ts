import { AppError, type ErrorCode } from "@tidemark/kit";
import {
  chooseForTarget,
  type ReachableTarget,
  type RecoveryInstant,
  type RecoveryTarget,
  type TargetChoice,
  type TargetRequest,
  type UnreachableTarget,
  type WalNeed,
} from "@tidemark/policy";
import { formatLsn, type Lsn, walSegmentName } from "@tidemark/postgres";
import type { ServerArea, StoredBackup } from "@tidemark/repository";
import { type ArchivedCluster, readArchivedClusters, recoveryInputOf } from "./archived-cluster.ts";
import { locateTarget } from "./locate-target.ts";
import type { NeededSegment, RecoveryPlan, RecoveryRequest } from "./recovery-request.ts";
import { readFactsFor } from "./segment-facts.ts";

export interface RecoveryQuestion {
  readonly area: ServerArea;
  /** Those that may be used. */
  readonly backups: readonly StoredBackup[];
  /** Only this one; null: the newest that ends before the target. */
  readonly backupId: string | null;
  readonly request: RecoveryRequest;
  readonly signal: AbortSignal;
}

/** Why a target cannot be had. */
export interface RecoveryObstacle {
  readonly code: ErrorCode;
  readonly sentence: string;
}

export type PlannedRecovery =
  | { readonly obstacle: null; readonly backupId: string; readonly recovery: RecoveryPlan }
  | { readonly obstacle: RecoveryObstacle };

/**
 * Chooses the backup and the WAL for a target from what the repository itself holds: one listing, the ends of some
 * segments, and the WAL itself where only that tells. Writes nothing. A target that cannot be reached is an answer, not
 * an error; throws `bad-request` for what cannot be asked, and what kept it from asking the repository.
 */
export async function planRecovery(question: RecoveryQuestion): Promise<PlannedRecovery> {
  const { area, backups, backupId, request, signal } = question;
  refuseSenseless(request);
  const clusters = await readArchivedClusters(area, backups, signal);
  for (const cluster of clusters) await readFactsFor(cluster, request.target, signal);
  const input = recoveryInputOf(clusters);
  const wanted: TargetRequest = { ...request, backupId };
  let choice: TargetChoice = chooseForTarget(input, wanted);
  if (!choice.reachable && choice.code === "target-not-located") {
    const located = await locate(clusters, question, choice);
    if (located === null) return { obstacle: notFound(request.target, choice) };
    choice = chooseForTarget(input, { ...wanted, located });
  }
  if (!choice.reachable) return { obstacle: obstacleOf(choice) };
  const { systemIdentifier } = choice;
  const cluster = clusters.find((one) => one.systemIdentifier === systemIdentifier);
  if (cluster === undefined)
    throw new AppError("internal", { message: "a recovery was chosen in a cluster nobody listed" });
  return { obstacle: null, backupId: choice.backupId, recovery: recoveryPlan(cluster, request, choice) };
}

function refuseSenseless({ target, asStandby, wal, fetch }: RecoveryRequest): void {
  if (asStandby && target.kind !== "latest") {
    throw new AppError("bad-request", {
      message: "a standby goes on from the latest WAL: it cannot stop at a target",
      hint: "leave the target out, or restore to it without making a standby",
    });
  }
  if (wal === "fetch" && fetch === null) {
    throw new AppError("bad-request", {
      message: "nothing says how the restored server is to fetch WAL",
      hint: "name the file of `tidemark server host-config`, or let the WAL be copied into the restored directory",
    });
  }
}

async function locate(clusters: readonly ArchivedCluster[], question: RecoveryQuestion, choice: UnreachableTarget) {
  const { request, signal, backups } = question;
  if (request.target.kind !== "xid") return null;
  for (const cluster of clusters) {
    const { systemIdentifier } = cluster;
    const version = backups.find(({ facts }) => facts?.systemIdentifier === systemIdentifier)?.facts?.serverVersion;
    const major = Math.floor((version ?? 0) / 10_000);
    const located = await locateTarget(cluster, major, request.target, choice.search, signal);
    if (located !== null) return located;
  }
  return null;
}

function notFound(target: RecoveryTarget, { lastReachable }: UnreachableTarget): RecoveryObstacle {
  const what = target.kind === "xid" ? `the end of transaction ${target.xid}` : "the target";
  return {
    code: "target-unreachable",
    sentence: `${what} is not in the archived WAL behind a usable backup${lastSentence(lastReachable)}`,
  };
}

function obstacleOf({ code, sentence, candidates }: UnreachableTarget): RecoveryObstacle {
  const choose = candidates.length === 0 ? "" : "; name one by its LSN";
  return { code: code === "target-not-located" ? "target-unreachable" : code, sentence: `${sentence}${choose}` };
}

function lastSentence(instant: RecoveryInstant | null): string {
  return instant === null ? "" : `; the last one can go back to is ${sayInstant(instant)}`;
}

function sayInstant({ timeline, lsn, at }: RecoveryInstant): string {
  const place = `${formatLsn(lsn as Lsn)} on timeline ${timeline}`;
  return at === null ? place : `${sayTime(at)} (${place})`;
}

function sayTime(at: Date): string {
  return `${at.toISOString().replace("T", " ").replace("Z", "")} UTC`;
}

function recoveryPlan(cluster: ArchivedCluster, request: RecoveryRequest, choice: ReachableTarget): RecoveryPlan {
  const { wal, timeline, through, notes } = choice;
  const { segmentSizeBytes } = cluster;
  const segments = wal.flatMap((need) => segmentsOf(need, segmentSizeBytes));
  const stored = new Map([...cluster.lines.values()].flat().map(({ name, storedBytes }) => [name, storedBytes]));
  const storedBytes = segments.reduce((sum, { name, isPartial }) => sum + (isPartial ? 0 : (stored.get(name) ?? 0)), 0);
  return {
    request,
    systemIdentifier: choice.systemIdentifier,
    timeline,
    recoverAs: stopFor(cluster, request, choice),
    through,
    segments,
    histories: cluster.histories,
    storedBytes: BigInt(storedBytes),
    plainBytes: BigInt(segments.length) * BigInt(segmentSizeBytes),
    gap: choice.gap,
    notes,
    sentence: describeRecovery(request, choice),
  };
}

/**
 * PostgreSQL pauses and shuts down at a target only, and without one goes on with whatever comes: where the end of the WAL
 * is meant as a target, its last commit is asked for. Behind it nothing counts. Without a commit the backup's end is that.
 */
function stopFor(cluster: ArchivedCluster, request: RecoveryRequest, choice: ReachableTarget): RecoveryTarget {
  const isEndless = request.target.kind === "latest" && (request.action === "promote" || request.asStandby);
  if (choice.recoverAs.kind !== "latest" || isEndless) return choice.recoverAs;
  const after = cluster.backups.find(({ backupId }) => backupId === choice.backupId)?.stopLsn ?? 0n;
  for (const need of choice.wal.toReversed()) {
    const parts = [...(cluster.lines.get(need.timeline) ?? []), ...cluster.partials];
    // An ancestor may have gone on behind the fork: what it committed there is not on the way.
    const end = earlierOf(need.toLsn, choice.through.lsn);
    const own = parts.filter((one) => one.timeline === need.timeline && one.startLsn < end);
    for (const { facts } of own.sort((a, b) => (a.startLsn > b.startLsn ? -1 : 1))) {
      const commit = facts?.lastCommit;
      if (commit == null || commit.lsn > end) continue;
      return commit.lsn > after ? { kind: "xid", xid: commit.xid, inclusive: true } : { kind: "immediate" };
    }
  }
  return { kind: "immediate" };
}

function earlierOf(left: bigint, right: bigint): bigint {
  if (left < right) return left;
  return right;
}

function segmentsOf(need: WalNeed, sizeBytes: number): NeededSegment[] {
  const segments: NeededSegment[] = [];
  const { timeline, partialStartLsn } = need;
  for (let lsn = need.fromLsn; lsn < need.toLsn; lsn += BigInt(sizeBytes)) {
    const name = walSegmentName(timeline, lsn as Lsn, sizeBytes);
    segments.push({ name, timeline, startLsn: lsn, sizeBytes, isPartial: lsn === partialStartLsn });
  }
  return segments;
}

function describeRecovery(request: RecoveryRequest, { timeline, through }: ReachableTarget): string {
  const where = `on timeline ${timeline}`;
  if (request.asStandby) return `becomes a standby at ${sayInstant(through)}`;
  const then =
    request.target.kind === "latest" && request.action === "promote" ? "" : `, then ${actions[request.action]}`;
  return `recovers to ${sayTarget(request.target, through)} ${where}${then}`;
}

const actions = { pause: "pauses", promote: "is promoted", shutdown: "shuts down" } as const;

function sayTarget(target: RecoveryTarget, through: RecoveryInstant): string {
  const side = "inclusive" in target && !target.inclusive ? "just before " : "";
  switch (target.kind) {
    case "latest":
      return `the end of the archived WAL (${sayInstant(through)})`;
    case "immediate":
      return "the end of the backup";
    case "time":
      return `${side}${sayTime(target.at)}`;
    case "lsn":
      return `${side}LSN ${formatLsn(target.lsn as Lsn)}`;
    case "xid":
      return `${side}the end of transaction ${target.xid}`;
    case "name":
      return `the restore point "${target.name}"`;
  }
}
