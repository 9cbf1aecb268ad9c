import { DrillResult } from "@tidemark/jobs";
import { formatAge, formatBytes } from "@tidemark/kit";
import type {
  BackupRow,
  Metadata,
  OfflinePeriod,
  PolicyRow,
  Run,
  Server,
  WalGapRow,
  WalHoleRow,
  WalReceiverRow,
} from "@tidemark/metadata";
import { rpoTargetOf, type WalProtectionFacts } from "@tidemark/policy";
import { rpoOf, silentAfterMs } from "./server-wal.ts";

/** What the WAL of several servers is judged by; each a query for all of them. */
export interface WalRows {
  readonly receivers: readonly WalReceiverRow[];
  readonly gaps: readonly WalGapRow[];
  readonly holes: readonly WalHoleRow[];
  readonly policies: readonly PolicyRow[];
  /** Of each server the oldest backup that can be restored. */
  readonly oldest: readonly BackupRow[];
}

export async function walRowsOf(metadata: Metadata, servers: readonly Server[]): Promise<WalRows> {
  const ids = servers.map((server) => server.id);
  const policyIds = [...new Set(servers.map((server) => server.policyId))];
  const [receivers, gaps, holes, policies, oldest] = await Promise.all([
    metadata.walReceivers.ofServers(ids),
    metadata.wal.gaps(ids),
    metadata.wal.holes(ids),
    metadata.policies.getMany(policyIds),
    metadata.backups.oldestRestorable(ids),
  ]);
  return { receivers, gaps, holes, policies, oldest };
}

export interface WalContext {
  readonly server: Server;
  readonly rows: WalRows;
  readonly newest: BackupRow | null;
  readonly lastDrill: Run | undefined;
  readonly lastProven: BackupRow | null;
  readonly offline: OfflinePeriod | null;
  readonly now: Date;
}

/** The facts of one server's WAL, for its protection state. */
export function walFactsOf(context: WalContext): WalProtectionFacts {
  const { server, rows, newest, offline, now, lastProven } = context;
  const receiver = rows.receivers.find((row) => row.serverId === server.id) ?? null;
  const policy = rows.policies.find((row) => row.id === server.policyId);
  const gaps = gapsOf(context, policy?.windowDays ?? null);
  const lastGap = gaps.at(-1);
  const targetSeconds = rpoTargetOf(policy?.rpoTargetSeconds, server.walMode === "stream" && receiver !== null);
  return {
    mode: server.walMode,
    receiverDown: offline === null ? downSince(server, receiver, now) : null,
    slot: slotOf(receiver, now),
    gaps,
    liveEdgeReachable: lastGap === undefined || (newest !== null && isBehind(newest, lastGap)),
    rpo: rpoOf(server, receiver, now),
    // Of a server that is offline nothing is asked; that it is offline is its reason.
    rpoTargetMs: targetSeconds === null || offline !== null ? null : targetSeconds * 1_000,
    measuredRtoMs: lastProven?.proof?.rtoMs ?? null,
    rtoTargetMs: policy?.rtoTargetSeconds == null ? null : policy.rtoTargetSeconds * 1_000,
    lastInstantProvenAt: instantProvenAt(context.lastDrill),
    instantProofRequired: false,
  };
}

interface Gap {
  readonly at: Date | null;
  readonly cause: string;
  readonly systemIdentifier: string;
  readonly timeline: number;
  readonly toLsn: bigint;
}

/**
 * Known ones with their cause, and what else is missing; those older than the promised window, or than every backup, are nobody's
 * loss any more.
 */
function gapsOf({ server, rows, now }: WalContext, windowDays: number | null): readonly Gap[] {
  const known = rows.gaps.filter((gap) => gap.serverId === server.id);
  const holes = rows.holes.filter((hole) => hole.serverId === server.id);
  const isKnown = (hole: WalHoleRow) => known.some((gap) => overlaps(gap, hole));
  const others = holes.filter((hole) => !isKnown(hole));
  const oldestMs = windowDays === null ? Number.NEGATIVE_INFINITY : now.getTime() - windowDays * 86_400_000;
  const oldest = rows.oldest.find((backup) => backup.serverId === server.id);
  const all = [
    ...known.map(({ foundAt, cause, ...place }) => ({ ...placeOf(place), at: foundAt, cause })),
    ...others.map(({ at, ...place }) => ({ ...placeOf(place), at, cause: missingCause })),
  ];
  return all
    .filter(
      (gap) => (gap.at === null || gap.at.getTime() >= oldestMs) && !(oldest !== undefined && isBehind(oldest, gap)),
    )
    .sort((left, right) => (left.toLsn < right.toLsn ? -1 : left.toLsn > right.toLsn ? 1 : 0));
}

function placeOf({ systemIdentifier, timeline, toLsn }: Pick<Gap, "systemIdentifier" | "timeline" | "toLsn">) {
  return { systemIdentifier, timeline, toLsn };
}

const missingCause = "segments are missing in the repository";

function overlaps(gap: WalGapRow, hole: WalHoleRow): boolean {
  return (
    gap.systemIdentifier === hole.systemIdentifier &&
    gap.timeline === hole.timeline &&
    gap.fromLsn < hole.toLsn &&
    hole.fromLsn < gap.toLsn
  );
}

function isBehind(backup: BackupRow, gap: Gap): boolean {
  if (backup.startLsn === null || backup.timeline === null) return false;
  // After `initdb` or `pg_upgrade` places begin anew: only the order in time tells.
  if (backup.systemIdentifier !== gap.systemIdentifier)
    return gap.at !== null && (backup.finishedAt ?? backup.startedAt) > gap.at;
  return backup.timeline > gap.timeline || backup.startLsn >= gap.toLsn;
}

function downSince(server: Server, receiver: WalReceiverRow | null, now: Date): WalProtectionFacts["receiverDown"] {
  if (server.walMode !== "stream") return null;
  if (receiver === null) return { since: server.createdAt, reason: "no worker has taken it yet" };
  if (receiver.workerId === null) return { since: receiver.stateSince, reason: "no worker receives it" };
  if (now.getTime() - receiver.updatedAt.getTime() > silentAfterMs) {
    return { since: receiver.updatedAt, reason: "its worker says nothing" };
  }
  if (receiver.state === "streaming" || receiver.state === "catching-up") return null;
  return { since: receiver.stateSince, reason: receiver.error?.message ?? "it is not connected" };
}

function slotOf(receiver: WalReceiverRow | null, now: Date): WalProtectionFacts["slot"] {
  const slot = receiver?.slot;
  if (slot == null) return { state: "fine" };
  if (slot.walStatus === "lost" || slot.walStatus === "missing") return { state: "lost" };
  const leftMs = slot.fullAt === null ? Number.POSITIVE_INFINITY : slot.fullAt.getTime() - now.getTime();
  const isBehind = (slot.retainedBytes ?? 0n) > behindBytes;
  if (slot.walStatus !== "unreserved" && !(isBehind && slot.safeBytes !== null && leftMs < soonMs)) {
    return { state: "fine" };
  }
  const left = slot.safeBytes === null ? "" : ` after ${formatBytes(slot.safeBytes < 0n ? 0n : slot.safeBytes)} more`;
  const when = Number.isFinite(leftMs) ? `, at this rate in ${formatAge(Math.max(0, leftMs))}` : "";
  return { state: "danger", sentence: `the server removes WAL we have not received${left}${when}` };
}

/** Of the last drill: whether it recovered through the archive's WAL to an instant. */
function instantProvenAt(drill: Run | undefined): Date | null {
  if (drill === undefined || drill.finishedAt === null) return null;
  const result = DrillResult.safeParse(drill.result);
  const isProven = result.success && result.data.outcome === "proven" && result.data.recovery !== null;
  return isProven ? drill.finishedAt : null;
}

const soonMs = 24 * 3_600_000;
/** As much as a receiver that streams may be behind without anybody's minding. */
const behindBytes = 64n << 20n;
