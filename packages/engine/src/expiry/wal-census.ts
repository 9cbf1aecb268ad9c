import type { WalFilePlace, WindowBackup, WindowPartial, WindowSegment, WindowTimeline } from "@tidemark/policy";
import { parseTimelineHistory } from "@tidemark/postgres";
import type { ServerArea, WalArchive, WalEntry } from "@tidemark/repository";
import { type CatalogEntry, listCatalog } from "../catalog.ts";

/** Everything about the WAL of a server that a repository holds, for a decision what of it is still needed. */
export interface WalCensus {
  readonly segments: readonly WindowSegment[];
  readonly partials: readonly WindowPartial[];
  readonly timelines: readonly WindowTimeline[];
  readonly files: readonly WalFilePlace[];
}

/** Reads listings and histories; no segment but one per cluster is opened, for the size of its segments. */
export async function takeWalCensus(area: ServerArea, signal: AbortSignal): Promise<WalCensus> {
  const census = {
    segments: [] as WindowSegment[],
    partials: [] as WindowPartial[],
    timelines: [] as WindowTimeline[],
    files: [] as WalFilePlace[],
  };
  for (const systemIdentifier of await area.walIdentifiers()) {
    const archive = area.wal(systemIdentifier);
    const entries: WalEntry[] = [];
    for await (const entry of archive.list({ signal })) entries.push(entry);
    const sizeBytes = await segmentSizeOf(archive, entries);
    for (const { kind, timeline, startLsn, name } of entries) {
      if (kind === "history") {
        const last = parseTimelineHistory(await readText(archive, name)).at(-1);
        const parent = last === undefined ? null : last.timeline;
        census.timelines.push({ systemIdentifier, timeline, parent, switchLsn: last?.switchLsn ?? null });
      } else if (startLsn !== null && kind === "segment" && sizeBytes !== null) {
        census.segments.push({ systemIdentifier, timeline, startLsn, sizeBytes, facts: null });
      } else if (startLsn !== null && kind === "file") {
        census.files.push({ systemIdentifier, timeline, name, startLsn });
      }
    }
    for (const timeline of await archive.timelines()) {
      const partial = await archive.partial(timeline);
      // One that is not stored whole: pieces beside a whole segment are none of ours.
      if (partial === null) continue;
      const { place, endLsn } = partial;
      census.partials.push({ systemIdentifier, timeline, startLsn: place.startLsn, endLsn, facts: null });
    }
  }
  return census;
}

/** Null when there is no segment. */
async function segmentSizeOf(archive: WalArchive, entries: readonly WalEntry[]): Promise<number | null> {
  for (const { kind, name } of entries) {
    if (kind !== "segment") continue;
    const described = await archive.describe(name);
    if (described !== null) return described.place.sizeBytes;
  }
  return null;
}

async function readText(archive: WalArchive, name: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of archive.read(name)) chunks.push(chunk.slice());
  return Buffer.concat(chunks).toString("utf8");
}

/** What the repository keeps of backups. One whose manifest cannot be read tells no place, so it can keep no WAL. */
export async function readKeptBackups(
  area: ServerArea,
): Promise<{ readonly usable: readonly WindowBackup[]; readonly damaged: readonly WindowBackup[] }> {
  const usable: WindowBackup[] = [];
  const damaged: WindowBackup[] = [];
  for (const entry of await listCatalog(area)) {
    const backup = windowBackupOf(entry);
    if (backup !== null) (entry.damaged === null ? usable : damaged).push(backup);
  }
  return { usable, damaged };
}

function windowBackupOf({ backup }: CatalogEntry): WindowBackup | null {
  const { facts, backupId } = backup;
  if (facts === null) return null;
  const { systemIdentifier, timeline, startLsn, stopLsn, stoppedAt, includedWal } = facts;
  return { backupId, systemIdentifier, timeline, startLsn, stopLsn, stoppedAt, includedWal };
}
