import { BackupManifestWriter, locateRelation, type ManifestWalRange } from "@tidemark/postgres";
import type { BackupWalRange, BackupWriter, ManifestFileSummary, ManifestReader } from "@tidemark/repository";
import { throwIfCancelled } from "../act.ts";
import type { LimitBlocks } from "./limit-blocks.ts";

/** Whether a file is to come in full although the parent has it. Asked once for each relation's file of the parent. */
export type ResendChooser = (file: ManifestFileSummary) => boolean;

export interface UploadRequest {
  readonly parent: ManifestReader;
  readonly writer: Pick<BackupWriter, "parentFile">;
  readonly walRanges: readonly BackupWalRange[];
  /** Forks that were cut; see `IncrementalPlan`. */
  readonly cut: LimitBlocks;
  readonly resends: ResendChooser;
  readonly signal: AbortSignal;
}

/** What was left out of an upload, of the files that could have been in it. */
export interface LeftOut {
  files: number;
  bytes: bigint;
}

/**
 * A backup manifest that describes what the parent's full backup would be, piece by piece, for UPLOAD_MANIFEST. The
 * server takes from it its own identity, the WAL ranges, which must be those of its timeline history, and the set of
 * paths: a relation's file that is not in it comes in full (basebackup_incremental.c, GetFileBackupMethod).
 *
 * So it lists the main and init forks the parent holds in whole pages and in usable packs, but for those `resends` picks
 * and those that were cut. Not listed: free space maps, which always come in full; visibility maps,
 * whose changes some minors' summaries miss (release notes of 17.11 and 18.6); and all that is no relation.
 *
 * `leftOut` is filled meanwhile.
 */
export async function* composeUpload(request: UploadRequest, leftOut: LeftOut): AsyncGenerator<Uint8Array> {
  const { parent, walRanges } = request;
  const writer = new BackupManifestWriter();
  let pieces = [writer.begin({ version: 2, systemIdentifier: parent.backup.facts.systemIdentifier })];
  let pieceBytes = 0;
  for await (const file of parent.files()) {
    throwIfCancelled(request.signal);
    const listed = await isListed(request, file, leftOut);
    if (!listed) continue;
    const { path, sizeBytes, crc32c } = file;
    const checksum = { algorithm: "CRC32C", crc32c } as const;
    const piece = writer.file({ path, sizeBytes: Number(sizeBytes), modifiedAt: null, checksum });
    pieces.push(piece);
    pieceBytes += piece.length;
    if (pieceBytes < sentAtOnce) continue;
    yield Buffer.concat(pieces);
    [pieces, pieceBytes] = [[], 0];
  }
  pieces.push(writer.end(walRanges as readonly ManifestWalRange[]));
  yield Buffer.concat(pieces);
}

async function isListed(request: UploadRequest, file: ManifestFileSummary, leftOut: LeftOut): Promise<boolean> {
  const place = locateRelation(Buffer.from(file.path).toString("latin1"));
  if (place === null || place.fork === "fsm" || file.sizeBytes === 0n) return false;
  const wanted = place.fork !== "vm" && !request.cut.has(place) && !request.resends(file);
  if (wanted && (await request.writer.parentFile(file.path)) !== null) return true;
  leftOut.files++;
  leftOut.bytes += file.sizeBytes;
  return false;
}

const sentAtOnce = 65_536;
