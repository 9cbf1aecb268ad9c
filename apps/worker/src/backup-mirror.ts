import type { CatalogEntry } from "@tidemark/engine";
import type { BackupChange, BackupRow } from "@tidemark/metadata";
import { toLsn, walSegmentName } from "@tidemark/postgres";
import type { BackupCounts, BackupFacts, BackupMethod, ManifestReader, StoredBackup } from "@tidemark/repository";

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
    ...(counts === null
      ? {}
      : { readBytes: counts.readBytes, storedBytes: counts.storedBytes, referencedBytes: sharedBytes(counts) }),
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

/** Sizes by class, the largest files, and the bytes of each tablespace: one pass over the manifest, in bounded memory. */
export async function censusOf(
  manifest: ManifestReader,
): Promise<Pick<BackupRow, "tablespaces"> & { readonly files: NonNullable<BackupRow["files"]> }> {
  const classes = fileClasses.map(({ label }) => ({ label, count: 0, bytes: 0n }));
  const tablespaceBytes = new Map<string, bigint>();
  let largest: { path: string; bytes: bigint }[] = [];
  for await (const entry of manifest.entries()) {
    if (entry.kind !== "file") continue;
    const place = classes[fileClasses.findIndex(({ below }) => entry.sizeBytes < below)];
    if (place !== undefined) {
      place.count++;
      place.bytes += entry.sizeBytes;
    }
    const path = Buffer.from(entry.path).toString("utf8");
    const oid = /^pg_tblspc\/(\d+)\//.exec(path)?.[1];
    if (oid !== undefined) tablespaceBytes.set(oid, (tablespaceBytes.get(oid) ?? 0n) + entry.sizeBytes);
    if (entry.sizeBytes <= (largest[largestKept - 1]?.bytes ?? -1n)) continue;
    largest = [...largest, { path, bytes: entry.sizeBytes }]
      .sort((left, right) => (left.bytes < right.bytes ? 1 : left.bytes > right.bytes ? -1 : 0))
      .slice(0, largestKept);
  }
  return {
    files: {
      classes: classes.filter(({ count }) => count > 0).map((one) => ({ ...one, bytes: String(one.bytes) })),
      largest: largest.map((one) => ({ ...one, bytes: String(one.bytes) })),
    },
    tablespaces: manifest.backup.facts.tablespaces.map(({ oid, path }) => ({
      oid,
      path,
      sizeBytes: String(tablespaceBytes.get(String(oid)) ?? 0n),
    })),
  };
}

const fileClasses = [
  { label: "up to 8 KiB", below: 8_193n },
  { label: "up to 1 MiB", below: 1_048_577n },
  { label: "up to 64 MiB", below: 67_108_865n },
  { label: "up to 1 GiB", below: 1_073_741_825n },
  { label: "over 1 GiB", below: 1n << 63n },
] as const;
const largestKept = 20;

/** Plain bytes a backup points at in what was stored before it, whether they were read again or not. */
export function sharedBytes(counts: BackupCounts | null): bigint {
  return counts === null ? 0n : counts.referencedBytes + (counts.carriedBytes ?? 0n);
}
