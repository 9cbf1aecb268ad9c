import { type TransactionStatus, transactionSegmentName, transactionStatusIn } from "@tidemark/postgres";
import type { FrameSource } from "@tidemark/repository";
import { type BackupFile, readBackupFile } from "./backup-files.ts";

/** The files of a backup that tell what transactions came to; `withTransactionStatus` needs them all in `files`. */
export function isTransactionStatusPath(path: string): boolean {
  return /^pg_xact\/[0-9A-F]{4,}$/.test(path);
}

/**
 * Reads with the status of any transaction at hand. `read` runs until it asks for nothing new: the first time tells which
 * transactions it asks for, whose segments are then read from the backup.
 */
export async function withTransactionStatus<T>(
  backup: {
    readonly files: ReadonlyMap<string, BackupFile>;
    readonly frames: FrameSource;
    readonly signal: AbortSignal;
  },
  read: (statusOf: (transactionId: number) => TransactionStatus) => T,
): Promise<T> {
  const segments = new Map<string, Uint8Array>();
  for (;;) {
    const missing = new Set<string>();
    const result = read((transactionId) => {
      const name = transactionSegmentName(transactionId);
      const segment = segments.get(name);
      if (segment === undefined) missing.add(name);
      return segment === undefined ? "in-progress" : transactionStatusIn(segment, transactionId);
    });
    if (missing.size === 0) return result;
    for (const name of missing) {
      const file = backup.files.get(`pg_xact/${name}`);
      // A segment that is gone was truncated: its transactions are older than every row that still asks.
      const bytes = file === undefined ? new Uint8Array(0) : await readBackupFile(backup.frames, file, backup.signal);
      segments.set(name, bytes);
    }
  }
}
