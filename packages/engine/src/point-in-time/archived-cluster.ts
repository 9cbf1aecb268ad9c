import { AppError } from "@tidemark/kit";
import type { RecoveryInput, WindowBackup, WindowPartial, WindowSegmentFacts, WindowTimeline } from "@tidemark/policy";
import { parseTimelineHistory, timelineHistoryName } from "@tidemark/postgres";
import type { ServerArea, StoredBackup, WalArchive, WalPartial, WalSegmentPlace } from "@tidemark/repository";
import { throwIfCancelled } from "../act.ts";
import { type ScannedPartial, scanPartial } from "./scan-partial.ts";

/** A whole segment of the archive; its facts are read when somebody needs them. */
export interface ListedSegment {
  readonly name: string;
  readonly timeline: number;
  readonly startLsn: bigint;
  readonly storedBytes: number;
  /** Undefined: not read yet; null: there are none, or they cannot be read. */
  facts: WindowSegmentFacts | null | undefined;
}

/** What a repository holds of one cluster: its backups and its WAL, from listings; no database is asked. */
export interface ArchivedCluster {
  readonly systemIdentifier: bigint;
  readonly archive: WalArchive;
  readonly segmentSizeBytes: number;
  readonly backups: readonly WindowBackup[];
  /** By timeline, each in the order of its LSNs. */
  readonly lines: ReadonlyMap<number, readonly ListedSegment[]>;
  readonly partials: readonly (WindowPartial & { readonly source: WalPartial })[];
  readonly timelines: readonly WindowTimeline[];
  /** Every timeline that has a history file, whether it can be read or not. */
  readonly histories: readonly number[];
}

/** The clusters that the given backups are of. Throws what kept it from asking the repository. */
export async function readArchivedClusters(
  area: ServerArea,
  backups: readonly StoredBackup[],
  signal: AbortSignal,
): Promise<readonly ArchivedCluster[]> {
  const byCluster = new Map<bigint, StoredBackup[]>();
  for (const backup of backups) {
    if (backup.facts === null) continue;
    const id = backup.facts.systemIdentifier;
    byCluster.set(id, [...(byCluster.get(id) ?? []), backup]);
  }
  const clusters: ArchivedCluster[] = [];
  for (const [id, own] of byCluster) clusters.push(await readCluster(area.wal(id), own, signal));
  return clusters;
}

/** What the policy reads, with the facts that were read by now. */
export function recoveryInputOf(clusters: readonly ArchivedCluster[]): RecoveryInput {
  return {
    backups: clusters.flatMap(({ backups }) => backups),
    segments: clusters.flatMap(({ systemIdentifier, segmentSizeBytes, lines }) =>
      [...lines.values()].flat().map(({ timeline, startLsn, facts }) => ({
        systemIdentifier,
        timeline,
        startLsn,
        sizeBytes: segmentSizeBytes,
        facts: facts ?? null,
      })),
    ),
    partials: clusters.flatMap(({ partials }) => partials.map(({ source: _, ...partial }) => partial)),
    timelines: clusters.flatMap(({ timelines }) => timelines),
    knownGaps: [],
  };
}

async function readCluster(
  archive: WalArchive,
  stored: readonly StoredBackup[],
  signal: AbortSignal,
): Promise<ArchivedCluster> {
  const backups = stored.flatMap(windowBackup);
  const segmentSizeBytes = stored.at(-1)?.facts?.walSegmentSizeBytes ?? 0;
  const [oldest = 0n] = backups.map(({ startLsn }) => startLsn).sort((a, b) => (a < b ? -1 : 1));
  const from = oldest - (oldest % BigInt(segmentSizeBytes));
  const lines = new Map<number, ListedSegment[]>();
  const unfinished: WalSegmentPlace[] = [];
  const histories: number[] = [];
  for await (const { kind, name, timeline, startLsn, sizeBytes } of archive.list({ from, segmentSizeBytes, signal })) {
    throwIfCancelled(signal);
    if (kind === "history") histories.push(timeline);
    if (kind === "partial" && startLsn !== null) unfinished.push({ timeline, startLsn, sizeBytes: segmentSizeBytes });
    if (kind !== "segment" || startLsn === null) continue;
    const line = lines.get(timeline) ?? [];
    line.push({ name, timeline, startLsn, storedBytes: sizeBytes, facts: undefined });
    lines.set(timeline, line);
  }
  for (const line of lines.values()) line.sort((a, b) => (a.startLsn < b.startLsn ? -1 : 1));
  const isNotWhole = ({ timeline, startLsn }: WalSegmentPlace) =>
    lines.get(timeline)?.some((segment) => segment.startLsn === startLsn) !== true;
  const { systemIdentifier } = archive;
  const cluster = { systemIdentifier, archive, segmentSizeBytes, backups, lines, histories };
  const timelines = await readTimelines(archive, histories);
  const major = Math.floor((stored.at(-1)?.facts?.serverVersion ?? 0) / 10_000);
  return {
    ...cluster,
    timelines,
    partials: await readPartials({ archive, major, timelines, signal }, unfinished.filter(isNotWhole)),
  };
}

function windowBackup({ backupId, facts }: StoredBackup): WindowBackup[] {
  if (facts === null) return [];
  const { systemIdentifier, stopTimeline, startLsn, stopLsn, stoppedAt, includedWal } = facts;
  return [{ backupId, systemIdentifier, timeline: stopTimeline, startLsn, stopLsn, stoppedAt, includedWal }];
}

/** The last line of each history. What is no history at all tells nothing and leads nowhere. */
async function readTimelines(archive: WalArchive, numbers: readonly number[]): Promise<readonly WindowTimeline[]> {
  const { systemIdentifier } = archive;
  const timelines: WindowTimeline[] = [];
  for (const timeline of numbers) {
    const last = await readLastAncestor(archive, timeline);
    if (last !== null) timelines.push({ systemIdentifier, timeline, parent: last.timeline, switchLsn: last.switchLsn });
  }
  return timelines;
}

async function readLastAncestor(archive: WalArchive, timeline: number) {
  try {
    const chunks: Uint8Array[] = [];
    for await (const chunk of archive.read(timelineHistoryName(timeline))) chunks.push(chunk);
    return parseTimelineHistory(Buffer.concat(chunks).toString("latin1")).at(-1) ?? null;
  } catch (error) {
    if (error instanceof AppError && useless.has(error.code)) return null;
    throw error;
  }
}

/**
 * What there is of segments that never came whole: of the one in the making, of the last one of a timeline, and of one
 * before a gap, whose beginning can be restored to like any other WAL.
 */
async function readPartials(
  about: Omit<ScannedPartial, "partial">,
  unfinished: readonly WalSegmentPlace[],
): Promise<ArchivedCluster["partials"]> {
  const { archive } = about;
  const partials: (WindowPartial & { readonly source: WalPartial })[] = [];
  for (const place of unfinished) {
    const source = await readPartial(archive, place, unfinished);
    if (source === null || source.endLsn === place.startLsn) continue;
    const { endLsn } = source;
    const facts = await scanPartial({ ...about, partial: source });
    const { systemIdentifier } = archive;
    partials.push({ systemIdentifier, timeline: place.timeline, startLsn: place.startLsn, endLsn, facts, source });
  }
  return partials;
}

/** Of one before a gap that cannot be put together there is nothing; the newest of its timeline is asked for in earnest. */
async function readPartial(
  archive: WalArchive,
  place: WalSegmentPlace,
  all: readonly WalSegmentPlace[],
): Promise<WalPartial | null> {
  try {
    return await archive.partialOf(place);
  } catch (error) {
    const isNewest = !all.some(({ timeline, startLsn }) => timeline === place.timeline && startLsn > place.startLsn);
    if (isNewest || !(error instanceof AppError) || !unusable.has(error.code)) throw error;
    return null;
  }
}

const unusable: ReadonlySet<string> = new Set(["wal-conflict", "wal-damaged"]);

/** Not there, damaged, or not the text of a history: as if there were none. */
const useless: ReadonlySet<string> = new Set(["wal-missing", "wal-damaged", "backup-stream-damaged"]);
