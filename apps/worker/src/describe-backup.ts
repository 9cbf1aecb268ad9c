import { coverageOf, type VerifyCoverage } from "@tidemark/engine";
import { AppError } from "@tidemark/kit";
import type { BackupChange, CoverageRow, PlaceRow } from "@tidemark/metadata";
import type { ManifestReader, PackVerification, ServerArea } from "@tidemark/repository";
import { type BackupCensus, censusOf } from "./backup-census.ts";
import type { WorkerDeps } from "./worker-deps.ts";

type Described = Pick<BackupChange, "files" | "tablespaces" | "places" | "coverage">;

/**
 * What a row says of a backup beyond its header: files, where its bytes live, what of it is verified. The backup is in
 * the repository already; a store that cannot be asked for the packs now leaves that for the next look at the catalogue.
 */
export async function describeBackup(
  deps: Pick<WorkerDeps, "logger">,
  area: ServerArea,
  backupId: string,
): Promise<Described> {
  const manifest = await area.openManifest(backupId);
  const { packBytes, ...census } = await censusOf(manifest);
  try {
    const places = await placesOf(area, packBytes);
    return { ...census, places, coverage: await coverageOfManifest(manifest, await area.verifications()) };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    deps.logger.warn({ err: error, backupId }, "where the backup's bytes live could not be read now");
    return census;
  }
}

/** Plain bytes by the backup that wrote the packs they lie in, the most first. */
async function placesOf(area: ServerArea, packBytes: BackupCensus["packBytes"]): Promise<readonly PlaceRow[]> {
  const byWriter = new Map<string | null, { packs: number; bytes: bigint }>();
  for (const [packId, writer] of await area.packWriters(packBytes.keys())) {
    const place = byWriter.get(writer) ?? { packs: 0, bytes: 0n };
    place.packs++;
    place.bytes += BigInt(packBytes.get(packId) ?? 0);
    byWriter.set(writer, place);
  }
  return [...byWriter]
    .sort(([, left], [, right]) => Number(right.bytes - left.bytes))
    .map(([backupId, { packs, bytes }]) => ({ backupId, packs, bytes: String(bytes) }));
}

async function coverageOfManifest(
  manifest: ManifestReader,
  verifications: readonly PackVerification[],
): Promise<CoverageRow> {
  return coverageRow(coverageOf(await manifest.frameUse(), verifications));
}

/** After a verification: what it found of a pack counts for every backup of the server that shares the pack. */
export async function mirrorCoverage(
  deps: Pick<WorkerDeps, "metadata" | "logger">,
  serverId: string,
  area: ServerArea,
): Promise<void> {
  const verifications = await area.verifications();
  for (const { id, state } of await deps.metadata.backups.ofServer(serverId)) {
    if (state !== "restorable" && state !== "stored") continue;
    try {
      const coverage = await coverageOfManifest(await area.openManifest(id), verifications);
      await deps.metadata.backups.update(id, { coverage });
    } catch (error) {
      // One whose manifest is gone or damaged has a finding of its own; what was known of it stays.
      if (!(error instanceof AppError) || !error.code.startsWith("manifest-")) throw error;
      deps.logger.warn({ err: error, backupId: id }, "what is verified of the backup could not be read");
    }
  }
}

export function coverageRow(coverage: VerifyCoverage): CoverageRow {
  const { storedShare, wholeShare, storedSince, wholeSince } = coverage;
  return {
    storedShare,
    wholeShare,
    storedSince: storedSince?.toISOString() ?? null,
    wholeSince: wholeSince?.toISOString() ?? null,
  };
}
