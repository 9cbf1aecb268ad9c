import type { CatalogEntry } from "@tidemark/engine";
import type { BackupChange, ReadingRow, TrustRow } from "@tidemark/metadata";
import { formatLsn, toLsn, walSegmentName } from "@tidemark/postgres";
import type { BackupCounts, BackupFacts, BackupMethod, StoredBackup } from "@tidemark/repository";

/** What a stored backup's row says, from its manifest alone. */
export function mirrorOf(stored: StoredBackup): BackupChange {
  const { facts, counts } = stored;
  return {
    // In this form the WAL from start to stop is inside the backup: what is stored is restorable.
    state: "restorable",
    fileCount: stored.fileCount,
    sizeBytes: stored.plainBytes,
    error: null,
    ...(stored.damaged === null ? {} : { damageDetail: stored.damaged }),
    ...(counts === null ? {} : sizesOf(counts)),
    ...(facts === null ? {} : factsOf(facts)),
  };
}

/** The same with what its marks say: for a catalogue that is brought up to date from the repository. */
export function mirrorOfEntry(entry: CatalogEntry): BackupChange {
  return {
    ...mirrorOf(entry.backup),
    damageDetail: entry.damaged,
    hold: entry.hold === null ? null : { by: entry.hold.by, at: entry.hold.at, reason: entry.hold.text },
    note: entry.note?.text ?? null,
    ...(entry.verifiedAt === null ? {} : { verifiedAt: entry.verifiedAt }),
    ...(entry.provenAt === null ? {} : { provenAt: entry.provenAt }),
  };
}

function sizesOf(counts: BackupCounts): BackupChange {
  const { readBytes, storedBytes, newBytes, zeroBytes, carriedBytes, sentBytes } = counts;
  return { readBytes, storedBytes, newBytes, zeroBytes, carriedBytes, sentBytes, referencedBytes: sharedBytes(counts) };
}

/** How much of the server was read, as a row and a run's result keep it. */
export function readingOf({ reading }: BackupFacts): ReadingRow | null {
  if (reading === null || reading.kind === "full") return reading;
  const { kind, fromBackupId, fromLsn, resentFiles, resentBytes } = reading;
  return { kind, fromBackupId, fromLsn: formatLsn(toLsn(fromLsn)), resentFiles, resentBytes: String(resentBytes) };
}

function trustOf({ trustRound, trustFindings }: BackupFacts): TrustRow | null {
  return trustRound === null ? null : { round: trustRound, findings: trustFindings ?? [] };
}

function factsOf(facts: BackupFacts): BackupChange {
  return {
    // A label we made up ourselves says nothing to a person.
    label: facts.label.startsWith(ownLabelPrefix) ? null : facts.label,
    startedAt: facts.startedAt,
    finishedAt: facts.stoppedAt,
    startLsn: facts.startLsn,
    stopLsn: facts.stopLsn,
    timeline: facts.timeline,
    serverVersion: versionText(facts.serverVersion),
    systemIdentifier: String(facts.systemIdentifier),
    checksumsEnabled: facts.checksumsEnabled,
    fromStandby: facts.fromStandby,
    walStart: walSegmentName(facts.timeline, toLsn(facts.startLsn), facts.walSegmentSizeBytes),
    // The record that ends the backup is before the stop LSN; one at a segment's border belongs to the one before.
    walEnd: walSegmentName(facts.stopTimeline, toLsn(facts.stopLsn - 1n), facts.walSegmentSizeBytes),
    suspectPages: facts.suspectPages,
    reading: readingOf(facts),
    trust: trustOf(facts),
    notes: [...methodNotes[facts.method ?? "stream"], ...facts.notes],
  };
}

/** The usual way needs no word. */
const methodNotes: Readonly<Record<BackupMethod, readonly string[]>> = {
  stream: [],
  "read-files": ["its files were read one by one over SQL (pg_read_binary_file)"],
  "local-files": ["its files were read one by one from the server's own data directory"],
};

/** The label in backup_label when nobody gave one. */
export const ownLabelPrefix = "tidemark ";

/** `180004` → `18.4`; before 10 versions had three parts, and we know none of those. */
export function versionText(versionNum: number): string {
  return `${Math.floor(versionNum / 10_000)}.${versionNum % 10_000}`;
}

/** Plain bytes a backup points at in what was stored before it, whether they were read again or not. */
export function sharedBytes(counts: BackupCounts | null): bigint {
  return counts === null ? 0n : counts.referencedBytes + (counts.carriedBytes ?? 0n);
}
