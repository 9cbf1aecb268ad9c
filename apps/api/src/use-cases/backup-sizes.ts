import type { BackupRow } from "@tidemark/metadata";

/** Where each byte of a backup came from: total = new + referenced + carried + zero. */
export interface BackupSizes {
  readonly totalBytes: bigint;
  readonly newBytes: bigint;
  readonly referencedBytes: bigint;
  readonly carriedBytes: bigint;
  readonly zeroBytes: bigint;
  readonly readBytes: bigint;
  readonly sentBytes: bigint | null;
  readonly storedBytes: bigint;
}

/** Null until the manifest is written, and for backups of the first format, which counted less. */
export function sizesOf(backup: BackupRow): BackupSizes | null {
  const { sizeBytes, newBytes, carriedBytes, zeroBytes, readBytes, sentBytes, storedBytes } = backup;
  // Of the row: what is shared with earlier backups in both ways.
  const sharedBytes = backup.referencedBytes;
  if (sizeBytes === null || newBytes === null || carriedBytes === null || zeroBytes === null) return null;
  if (sharedBytes === null || readBytes === null || storedBytes === null) return null;
  const referencedBytes = sharedBytes - carriedBytes;
  return {
    totalBytes: sizeBytes,
    newBytes,
    referencedBytes,
    carriedBytes,
    zeroBytes,
    readBytes,
    sentBytes,
    storedBytes,
  };
}
