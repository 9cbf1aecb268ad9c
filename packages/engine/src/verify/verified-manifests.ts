import { AppError, combineCrc32c, crc32cOfZeros } from "@tidemark/kit";
import type { BackupFacts, ExtentRows, ManifestFileRows, ManifestReader, ServerArea } from "@tidemark/repository";
import { type PageInspection, pageInspectionOf } from "../backup/page-inspection.ts";

/** A manifest that could be opened, and one that could not. */
export interface OpenedManifests {
  readonly manifests: readonly ManifestReader[];
  readonly damaged: readonly { readonly backupId: string; readonly reason: string }[];
}

/** Opens the manifests of some backups, oldest first. One that is gone meanwhile is left out unless it was named. */
export async function openManifests(
  area: ServerArea,
  backupIds: readonly string[],
  areNamed: boolean,
): Promise<OpenedManifests> {
  const manifests: ManifestReader[] = [];
  const damaged: { backupId: string; reason: string }[] = [];
  for (const backupId of backupIds) {
    try {
      manifests.push(await area.openManifest(backupId));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (error.code === "manifest-damaged") damaged.push({ backupId, reason: error.message });
      else if (error.code !== "manifest-missing" || areNamed) throw error;
    }
  }
  return { manifests, damaged };
}

/** relseg_size is 1 GiB in every usual build, whatever the block size. */
export function blocksPerSegment(facts: BackupFacts): number {
  return 1024 ** 3 / facts.blockSize;
}

/** How the pages of a file are checked; null for a file, or a cluster, without page checksums. */
export function inspectionOf(path: Uint8Array, facts: BackupFacts): PageInspection | null {
  if (!facts.checksumsEnabled) return null;
  const layout = { blockSize: facts.blockSize, blocksPerSegment: blocksPerSegment(facts) };
  return pageInspectionOf(path, layout, facts.startLsn);
}

/** What the manifest alone can prove of a file: its runs fill it, and their checksums combine to the whole file's. */
export function checkLayout(
  file: ManifestFileRows,
): { readonly code: "file-layout" | "file-checksum"; readonly why: string } | null {
  const { reached, crc } = combineExtents(file.extents);
  if (BigInt(reached) !== file.sizeBytes) {
    return { code: "file-layout", why: `the manifest accounts for ${reached} of ${file.sizeBytes} bytes` };
  }
  if (crc !== file.crc32c) {
    return { code: "file-checksum", why: "its parts do not add up to the checksum of the whole file" };
  }
  return null;
}

function combineExtents(extents: ExtentRows): { readonly reached: number; readonly crc: number } {
  let reached = 0;
  let crc = 0;
  for (let index = 0; index < extents.count; index++) {
    if (extents.beginOf(index) !== reached) return { reached, crc };
    const length = extents.endOf(index) - reached;
    crc = combineCrc32c(crc, extents.isZeros(index) ? crc32cOfZeros(length) : extents.crcOf(index), length);
    reached += length;
  }
  return { reached, crc };
}
