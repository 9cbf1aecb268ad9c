import { AppError, crc32c } from "@tidemark/kit";
import type { Extent, FrameSource, ManifestReader } from "@tidemark/repository";
import { throwIfCancelled } from "../act.ts";

/** A small file of a backup, known by its places, to be read when it is wanted. */
export interface BackupFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly extents: readonly Extent[];
}

/** The files of a backup whose path `isWanted`, in one reading of the manifest. For files of a few MiB. */
export async function findBackupFiles(
  manifest: ManifestReader,
  isWanted: (path: string) => boolean,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, BackupFile>> {
  const found = new Map<string, BackupFile>();
  for await (const entry of manifest.entries()) {
    throwIfCancelled(signal);
    if (entry.kind !== "file") continue;
    const path = Buffer.from(entry.path).toString("latin1");
    if (isWanted(path)) found.set(path, { path, sizeBytes: Number(entry.sizeBytes), extents: entry.extents });
  }
  return found;
}

/** The content of a file of a backup. Throws `backup-damaged` where it is not what the manifest names. */
export async function readBackupFile(frames: FrameSource, file: BackupFile, signal: AbortSignal): Promise<Uint8Array> {
  const bytes = new Uint8Array(file.sizeBytes);
  for (const extent of file.extents) {
    if (extent.kind === "zeros") continue;
    for await (const opened of frames.readFrames(extent.packId, [extent.frameIndex], signal)) {
      if (opened.kind === "damaged") throw damaged(file, opened.reason);
      const run = opened.plain.subarray(extent.offsetInFrame, extent.offsetInFrame + extent.lengthBytes);
      if (run.length !== extent.lengthBytes || crc32c(run) !== extent.crc32c) {
        throw damaged(file, "its bytes are not those the manifest names");
      }
      bytes.set(run, Number(extent.fileOffset));
    }
  }
  return bytes;
}

function damaged(file: BackupFile, why: string): AppError {
  return new AppError("backup-damaged", {
    message: `${file.path} cannot be read from the backup: ${why}`,
    hint: "verify the backup for the whole extent, and restore another one",
    context: { file: file.path },
  });
}
