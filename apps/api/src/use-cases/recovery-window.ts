import type { BackupRow, Server, WalReceiverRow, WalSegmentRow, WalTimelineRow } from "@tidemark/metadata";
import {
  type RecoveryInput,
  type RecoveryWindow,
  recoveryWindow,
  type WindowBackup,
  type WindowPartial,
  type WindowSegment,
  type WindowTimeline,
} from "@tidemark/policy";
import type { Services } from "../services.ts";

/** To where a server can be restored, and what that was computed from. */
export interface ServerWindow {
  readonly server: Server;
  readonly computedAt: Date;
  readonly input: RecoveryInput;
  readonly window: RecoveryWindow;
  /** What the mirrored segments of the WAL take in the server's repository. */
  readonly stored: { readonly segments: number; readonly bytes: bigint };
}

/**
 * The recovery window of a server from the mirrored rows: its restorable backups, the segments either of its repositories
 * has and no verification found damaged, what a receiver holds of the segment in the making, timelines and known gaps.
 */
export function windowOf(services: Services, server: Server): Promise<ServerWindow> {
  const { clock } = services;
  const windows = recent.get(services) ?? new Map<string, RecentWindow>();
  recent.set(services, windows);
  const nowMs = clock.monotonicMs();
  for (const [id, { atMs }] of windows) if (nowMs - atMs >= recentMs) windows.delete(id);
  const known = windows.get(server.id);
  if (known !== undefined && known.server === settingsOf(server)) return known.window;
  const window = computeWindow(services, server);
  const entry = { atMs: nowMs, server: settingsOf(server), window };
  windows.set(server.id, entry);
  window.catch(() => windows.delete(server.id));
  return window;
}

interface RecentWindow {
  readonly atMs: number;
  readonly server: string;
  readonly window: Promise<ServerWindow>;
}

/**
 * Everybody who looks at a server asks every few seconds, and a page asks for several fields at once: of 200,000 segments
 * computing alone holds the event loop for 72 ms (2026-11), and reading their rows comes to that.
 */
const recent = new WeakMap<Services, Map<string, RecentWindow>>();
const recentMs = 1_000;

/** What of the server's row the window depends on. */
function settingsOf({ repositoryId, copyToId, policyId }: Server): string {
  return `${repositoryId} ${copyToId} ${policyId}`;
}

async function computeWindow(services: Services, server: Server): Promise<ServerWindow> {
  const { metadata, clock } = services;
  const ids = [server.id];
  const [backups, segments, timelines, gaps, receivers, policies] = await Promise.all([
    metadata.backups.ofServer(server.id),
    metadata.wal.segments({ serverId: server.id, onlySound: true }),
    metadata.wal.timelines(ids),
    metadata.wal.gaps(ids),
    metadata.walReceivers.ofServers(ids),
    metadata.policies.getMany([server.policyId]),
  ]);
  const readable = segments.filter(
    ({ repositoryId }) => repositoryId === server.repositoryId || repositoryId === server.copyToId,
  );
  const whole = uniqueSegments(readable);
  const input: RecoveryInput = {
    backups: backups.flatMap(backupOf),
    segments: whole,
    partials: receivers.flatMap((receiver) => partialOf(receiver, whole)),
    timelines: timelines.map(timelineOf),
    knownGaps: gaps.map(({ systemIdentifier, timeline, fromLsn, toLsn, cause }) => ({
      systemIdentifier: BigInt(systemIdentifier),
      timeline,
      fromLsn,
      toLsn,
      cause,
    })),
    windowDays: policies[0]?.windowDays ?? null,
  };
  const own = readable.filter(({ repositoryId }) => repositoryId === server.repositoryId);
  return {
    server,
    computedAt: clock.now(),
    input,
    window: recoveryWindow(input),
    stored: { segments: own.length, bytes: own.reduce((sum, { storedBytes }) => sum + storedBytes, 0n) },
  };
}

/** A row as the policy reads it. */
export function timelineOf({ systemIdentifier, timeline, parent, switchLsn }: WalTimelineRow): WindowTimeline {
  return { systemIdentifier: BigInt(systemIdentifier), timeline, parent, switchLsn };
}

function backupOf(row: BackupRow): WindowBackup[] {
  return row.state !== "restorable" || row.damageDetail !== null ? [] : placeOfBackup(row);
}

/** Where a stored backup lies in the WAL; none where that is not known yet. */
export function placeOfBackup(row: BackupRow): WindowBackup[] {
  const { startLsn, stopLsn, timeline, systemIdentifier, finishedAt } = row;
  if (startLsn === null || stopLsn === null || timeline === null || systemIdentifier === null) return [];
  return [
    {
      backupId: row.id,
      systemIdentifier: BigInt(systemIdentifier),
      timeline,
      startLsn,
      stopLsn,
      stoppedAt: finishedAt ?? row.startedAt,
      // A restorable backup holds the WAL from its start to its stop itself.
      includedWal: { timeline, startLsn, endLsn: stopLsn },
    },
  ];
}

/** Each segment once, from whichever repository; one whose records were read before one that was not. */
function uniqueSegments(rows: readonly WalSegmentRow[]): readonly WindowSegment[] {
  const unique = new Map<string, WindowSegment>();
  for (const row of rows) {
    const key = `${row.systemIdentifier}/${row.timeline}/${row.startLsn}`;
    const known = unique.get(key);
    if (known === undefined || known.facts === null) unique.set(key, segmentOf(row));
  }
  return [...unique.values()];
}

/** Without facts where it was not read. */
export function segmentOf(row: WalSegmentRow): WindowSegment {
  const { timeline, startLsn, sizeBytes, firstCommit, lastCommit, restorePoints, lastRecordEnd } = row;
  const facts = row.commitCount === null ? null : { firstCommit, lastCommit, restorePoints, lastRecordEnd };
  return { systemIdentifier: BigInt(row.systemIdentifier), timeline, startLsn, sizeBytes, facts };
}

/**
 * The segment in the making, as far as it is durable. What there is of an older one, before a gap, stands in no row: this
 * window ends before it, and a restore, which is planned from the repository itself, can go there all the same.
 */
export function partialOf(receiver: WalReceiverRow, segments: readonly WindowSegment[]): WindowPartial[] {
  const { systemIdentifier, timeline, flushedLsn, lastCommit } = receiver;
  if (systemIdentifier === null || timeline === null || flushedLsn === null) return [];
  const identifier = BigInt(systemIdentifier);
  const size = BigInt(segments.findLast((one) => one.systemIdentifier === identifier)?.sizeBytes ?? usualSegmentBytes);
  const startLsn = flushedLsn - (flushedLsn % size);
  if (startLsn === flushedLsn) return [];
  const isHere = lastCommit !== null && lastCommit.lsn > startLsn && lastCommit.lsn <= flushedLsn;
  const commit = isHere ? { at: lastCommit.at, lsn: lastCommit.lsn, xid: lastCommit.xid } : null;
  // Of its commits only the last is known.
  const facts =
    commit === null ? null : { firstCommit: null, lastCommit: commit, restorePoints: [], lastRecordEnd: commit.lsn };
  return [{ systemIdentifier: identifier, timeline, startLsn, endLsn: flushedLsn, facts }];
}

/** PostgreSQL's DEFAULT_XLOG_SEG_SIZE (src/include/pg_config_manual.h). */
const usualSegmentBytes = 16 * 1024 * 1024;
