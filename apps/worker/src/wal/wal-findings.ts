import { formatAge, formatBytes } from "@tidemark/kit";
import {
  type BackupRow,
  type OfflinePeriod,
  type Run,
  type SeenFinding,
  type Server,
  type WalGapRow,
  type WalReceiverRow,
  type WalUncopiedRow,
  walSlotOf,
} from "@tidemark/metadata";
import { rpo } from "@tidemark/policy";
import { formatLsn, type Lsn } from "@tidemark/postgres";

/** What the checks of a server's WAL look at; all of it from rows. */
export interface WalEvidence {
  readonly server: Server;
  readonly now: Date;
  /** Null: no receiver was ever heard of. */
  readonly receiver: WalReceiverRow | null;
  /** Newest last. */
  readonly gaps: readonly WalGapRow[];
  /** Of each gap that has one: the backup begun because of it. */
  readonly gapRuns: ReadonlyMap<string, Run>;
  /** Its newest backup that can be restored. */
  readonly newest: BackupRow | null;
  /** Its oldest one that can: what lies before it is no loss any more. */
  readonly oldest: BackupRow | null;
  /** Days back to which every instant is promised; null: as far as there are backups. */
  readonly windowDays: number | null;
  /** What its second repository lacks; null: nothing, or there is none. */
  readonly uncopied: WalUncopiedRow | null;
  readonly offline: OfflinePeriod | null;
  /** Seconds of commits that may be lost at most; null: no target. */
  readonly rpoTargetSeconds: number | null;
  /** Some worker streams WAL and has room; false: all are full, or none does. */
  readonly hasRoom: boolean;
}

/** Every check of this file: what is not seen again is resolved. */
export const walChecks = [
  "wal-receiver-down",
  "wal-behind",
  "wal-slot-danger",
  "wal-slot-lost",
  "wal-gap",
  "wal-gap-past",
  "wal-copy-late",
] as const;

/** What needs a person about a server's WAL. */
export function walFindings(evidence: WalEvidence): readonly SeenFinding[] {
  const { server, offline } = evidence;
  if (offline !== null && offline.endedAt === null) return [];
  const gap = gapFinding(evidence) ?? pastGap(evidence);
  const streams = server.walMode === "stream" && server.connection !== "";
  const found = streams
    ? [receiverDown(evidence), behind(evidence), slotLost(evidence), slotDanger(evidence), gap, copyLate(evidence)]
    : server.walMode === "push"
      ? [gap]
      : [];
  return found.filter((finding) => finding !== null);
}

function receiverDown({ server, receiver, now, hasRoom }: WalEvidence): SeenFinding | null {
  const base = {
    checkId: "wal-receiver-down",
    severity: "blocks-wal" as const,
    title: `No WAL is received from ${server.name}`,
    required: "a receiver that streams",
    why: "what is committed now is on the server alone, and the server keeps its WAL for us until a limit or its disk's end",
    ...walTab(server),
  };
  const sinceMs = now.getTime() - (receiver?.stateSince ?? server.createdAt).getTime();
  const silentMs = receiver === null ? Number.POSITIVE_INFINITY : now.getTime() - receiver.updatedAt.getTime();
  if (receiver === null || receiver.workerId === null || silentMs > silentAfterMs) {
    if (receiver === null && sinceMs < downAfterMs) return null;
    if (receiver?.workerId === null && sinceMs < downAfterMs) return null;
    const why = hasRoom ? "no worker took it yet" : "no worker that streams WAL has room (WAL_RECEIVERS)";
    const remedy = hasRoom ? "see whether a worker runs" : "raise WAL_RECEIVERS of a worker, or start another worker";
    const since = receiver === null ? "" : `; the last word of one is ${formatAge(silentMs)} old`;
    return { ...base, found: `${why}${since}`, remedy: { advice: remedy } };
  }
  const isDown = receiver.state === "waiting" || receiver.state === "connecting" || receiver.state === "stopped";
  if (!isDown || receiver.error === null || sinceMs < downAfterMs) return null;
  return { ...base, found: `for ${formatAge(sinceMs)}: ${receiver.error.message}` };
}

function behind({ server, receiver, now, rpoTargetSeconds }: WalEvidence): SeenFinding | null {
  if (receiver === null || receiver.state === "stopped" || rpoTargetSeconds === null) return null;
  const risk = rpo({
    serverLsn: receiver.serverLsn,
    flushedLsn: receiver.flushedLsn,
    oldestUnflushedCommitAt: null,
    lastFlushedCommit: null,
    lastCaughtUpAt: receiver.caughtUpAt,
    now,
  });
  if (risk.kind !== "behind" || risk.bytes === null || risk.ageMs <= rpoTargetSeconds * 1_000) return null;
  const target = formatAge(rpoTargetSeconds * 1_000);
  return {
    checkId: "wal-behind",
    severity: "risk",
    title: `WAL of ${server.name} arrives late`,
    found: `${formatBytes(risk.bytes)} are not with us yet, the oldest of them up to ${formatAge(risk.ageMs)} old`,
    required: `at most ${target}`,
    why: "if the server is lost now, these commits are lost",
    remedy: { advice: "see whether the repository or the network is slower than the server writes" },
    ...walTab(server),
  };
}

function slotLost({ server, receiver, newest }: WalEvidence): SeenFinding | null {
  const slot = receiver?.slot;
  if (slot?.walStatus !== "lost" && slot?.walStatus !== "missing") return null;
  const name = walSlotOf(server);
  const until =
    receiver?.flushedLsn == null ? "" : `; what is with us ends at ${formatLsn(receiver.flushedLsn as Lsn)}`;
  const window =
    newest === null ? "there is no backup yet" : `the newest backup (${newest.id}) can be restored up to there only`;
  return {
    checkId: "wal-slot-lost",
    severity: "blocks-wal",
    title:
      slot.walStatus === "lost" ? `The slot of ${server.name} has lost its WAL` : `The slot of ${server.name} is gone`,
    found: `"${name}" is ${slot.walStatus}${until}; ${window}`,
    read: "wal_status in pg_replication_slots",
    required: "a slot that holds the WAL we do not have yet",
    why: "WAL that is missing in between cannot be had again: a new base backup is needed, and from its start on the server can be restored again",
    remedy: {
      ...(slot.walStatus === "lost" ? { sql: `SELECT pg_drop_replication_slot('${name}');` } : {}),
      advice: "the receiver makes its slot again, and a backup begins by itself when WAL was lost",
    },
    ...walTab(server),
  };
}

function slotDanger({ server, receiver, now }: WalEvidence): SeenFinding | null {
  const slot = receiver?.slot;
  if (slot == null || slot.walStatus === "lost" || slot.walStatus === "missing") return null;
  const name = walSlotOf(server);
  const rate = slot.walBytesPerSecond;
  const grows = rate === null ? "" : `; the server writes ${formatBytes(BigInt(Math.round(rate * 3_600)))} an hour`;
  const holds = slot.retainedBytes === null ? "" : ` and holds ${formatBytes(slot.retainedBytes)}`;
  const base = { checkId: "wal-slot-danger", read: "pg_replication_slots", ...walTab(server) };
  const isBehind = (slot.retainedBytes ?? 0n) > behindBytes;
  if (slot.walStatus === "unreserved" || (slot.safeBytes !== null && isSoon(slot.fullAt, now) && isBehind)) {
    const safe = slot.safeBytes === null ? "" : `: ${formatBytes(max0(slot.safeBytes))} more, then it is lost`;
    const when =
      slot.fullAt === null ? "" : `, at this rate in ${formatAge(Math.max(0, slot.fullAt.getTime() - now.getTime()))}`;
    return {
      ...base,
      severity: "blocks-wal",
      title: `The slot of ${server.name} is about to lose its WAL`,
      found: `"${name}" is ${slot.walStatus ?? "empty"}${holds}${safe}${when}${grows}`,
      required: "a slot that outlives a pause of its receiver",
      why: "past max_slot_wal_keep_size the server removes the WAL at a checkpoint, and a new base backup is needed",
      remedy: {
        sql: "ALTER SYSTEM SET max_slot_wal_keep_size = '-1';\nSELECT pg_reload_conf();",
        advice: "and see why the receiver is behind; mind the free space of pg_wal until it has caught up",
      },
    };
  }
  // Without a limit the disk of pg_wal is the limit, and a server whose pg_wal is full stops.
  if (slot.safeBytes !== null || (slot.retainedBytes ?? 0n) < muchRetained) return null;
  return {
    ...base,
    severity: "risk",
    title: `The slot of ${server.name} holds much WAL`,
    found: `"${name}" holds ${formatBytes(slot.retainedBytes ?? 0n)}, and nothing limits it${grows}`,
    required: "a slot that is caught up, or a limit below the free space of pg_wal",
    why: "when the disk of pg_wal is full the server stops; with a limit it would give up the slot's WAL instead",
    remedy: {
      settings: "max_slot_wal_keep_size = '…MB'  # below the free space of pg_wal",
      needs: "reload",
      advice: "see why the receiver is behind, and how much space pg_wal has",
    },
  };
}

/** Open until a backup that began behind the gap can be restored. */
function gapFinding({ server, gaps, gapRuns, newest }: WalEvidence): SeenFinding | null {
  const gap = gaps.at(-1);
  if (gap === undefined) return null;
  if (newest !== null && isBehindGap(newest, gap)) return null;
  const run = gap.runId === null ? undefined : gapRuns.get(gap.runId);
  const backup =
    run === undefined
      ? "take a backup: from its end on the server can be restored again"
      : run.finishedAt === null
        ? `backup run ${run.id} is on its way: from its end on the server can be restored again`
        : `backup run ${run.id} ended as ${run.state}: take another one`;
  return {
    checkId: "wal-gap",
    severity: "blocks-wal",
    title: `WAL of ${server.name} is missing`,
    found: missingIn(gap),
    required: "WAL without a hole behind the newest backup",
    why: "nothing behind the gap can be restored to until a backup was taken behind it",
    remedy: { advice: backup },
    actionLabel: run === undefined ? "Open the server" : "Open the backup run",
    actionPath: run === undefined ? `/servers/${server.id}` : `/runs/${run.id}`,
  };
}

/** One that a backup was taken behind: nothing mends it, and whoever restores has to know of it. */
function pastGap({ server, gaps, newest, oldest, windowDays, now }: WalEvidence): SeenFinding | null {
  const oldestMs = windowDays === null ? Number.NEGATIVE_INFINITY : now.getTime() - windowDays * 86_400_000;
  const past = gaps.filter((gap) => isBehind(gap, oldest) && gap.foundAt.getTime() >= oldestMs);
  const gap = past.at(-1);
  if (gap === undefined || newest === null) return null;
  const others = past.length === 1 ? "" : `; there are ${past.length} gaps in all`;
  const until = windowDays === null ? "" : `it is ${windowDays} days old, or until `;
  return {
    checkId: "wal-gap-past",
    severity: "note",
    title: `There is a hole in what ${server.name} can be restored to`,
    found: `${missingIn(gap)}${others}`,
    required: "WAL without a hole as far back as instants are promised",
    why: "no instant in it can be restored to; those before it can, and those since the next backup behind it",
    remedy: { advice: `nothing brings it back: it counts until ${until}no backup before it is left` },
    actionLabel: "See its time line",
    actionPath: `/servers/${server.id}/recovery`,
  };
}

function missingIn({ fromLsn, toLsn, timeline, cause }: WalGapRow): string {
  return `${formatLsn(fromLsn as Lsn)} to ${formatLsn(toLsn as Lsn)} on timeline ${timeline}, because ${cause}`;
}

/** Of a server that pushes, copies come with its copy runs alone, or from its host: nobody can say when they are late. */
function copyLate({ server, uncopied, now }: WalEvidence): SeenFinding | null {
  if (server.copyToId == null || uncopied === null) return null;
  const lateMs = now.getTime() - uncopied.since.getTime();
  if (lateMs <= copyLateMs) return null;
  const count = uncopied.segments === 1 ? "1 segment" : `${uncopied.segments} segments`;
  return {
    checkId: "wal-copy-late",
    severity: "risk",
    title: `The second repository lacks WAL of ${server.name}`,
    found: `${count} (${formatBytes(uncopied.storedBytes)}) are not there, the oldest for ${formatAge(lateMs)}`,
    required: `all WAL behind the oldest backup there, within ${formatAge(copyLateMs)}`,
    why: "if the first repository is lost, the second can be restored from up to the first segment that is missing only",
    remedy: { advice: "see whether the second repository can be reached; a copy run says what could not be brought" },
    ...walTab(server),
  };
}

/** Taken found on the other side: on a later timeline, or behind the gap's end. */
function isBehindGap(backup: Pick<BackupRow, "startLsn" | "timeline" | "startedAt">, gap: WalGapRow): boolean {
  if (backup.startLsn === null || backup.timeline === null) return false;
  if (backup.timeline === gap.timeline) return backup.startLsn >= gap.toLsn;
  return backup.startedAt > gap.foundAt;
}

/** The other way round; what is before the oldest backup cannot be restored to anyway. */
function isBehind(gap: WalGapRow, backup: Pick<BackupRow, "startLsn" | "timeline" | "startedAt"> | null): boolean {
  if (backup === null || backup.startLsn === null) return false;
  return backup.timeline === gap.timeline ? backup.startLsn < gap.toLsn : backup.startedAt < gap.foundAt;
}

function isSoon(fullAt: Date | null, now: Date): boolean {
  return fullAt !== null && fullAt.getTime() - now.getTime() < soonMs;
}

function max0(bytes: bigint): bigint {
  return bytes < 0n ? 0n : bytes;
}

function walTab(server: Server) {
  return { actionLabel: "See its WAL", actionPath: `/servers/${server.id}/wal` };
}

/** Segments are brought within seconds, and again after half a minute. */
const copyLateMs = 30 * 60_000;
/** A restart of the server or of a worker is over by then. */
const downAfterMs = 60_000;
/** Receivers say every five seconds that they live. */
const silentAfterMs = 30_000;
const soonMs = 24 * 3_600_000;
/** Less is what a receiver that streams is behind of: a slot moves with what was reported, segment by segment. */
const behindBytes = 64n << 20n;
const muchRetained = 8n << 30n;
