import type { BackupRow } from "@tidemark/metadata";
import type { ManifestReader } from "@tidemark/repository";

/** What a backup consists of. */
export interface BackupCensus extends Pick<BackupRow, "tablespaces"> {
  readonly files: NonNullable<BackupRow["files"]>;
  /** Plain bytes by the id of the pack they lie in; zeros lie in none. */
  readonly packBytes: ReadonlyMap<string, number>;
}

/**
 * Sizes by class, the largest files, the bytes of each tablespace and those in each pack: one pass over the manifest, in
 * memory for its packs.
 */
export async function censusOf(manifest: ManifestReader): Promise<BackupCensus> {
  const classes = fileClasses.map(({ label }) => ({ label, count: 0, bytes: 0n }));
  const tablespaceBytes = new Map<string, bigint>();
  const packBytes = new Map<string, number>();
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
    for (const extent of entry.extents) {
      if (extent.kind !== "frame") continue;
      packBytes.set(extent.packId, (packBytes.get(extent.packId) ?? 0) + extent.lengthBytes);
    }
    if (entry.sizeBytes <= (largest[largestKept - 1]?.bytes ?? -1n)) continue;
    largest = [...largest, { path, bytes: entry.sizeBytes }]
      .sort((left, right) => (left.bytes < right.bytes ? 1 : left.bytes > right.bytes ? -1 : 0))
      .slice(0, largestKept);
  }
  return {
    packBytes,
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
