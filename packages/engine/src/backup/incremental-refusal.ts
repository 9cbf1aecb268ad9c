import { AppError, type ErrorCode } from "@tidemark/kit";

/** An incremental copy cannot be had or cannot be used; everything is taken instead. */
export function incrementalRefused(why: string, cause?: unknown): AppError {
  return new AppError("incremental-refused", { message: why, hint: "everything is copied instead", cause });
}

/**
 * Why an incremental copy that failed is worth a full one, as a sentence; null when the failure has nothing to do with
 * its being incremental, and a full one would meet it, too (a line that broke, a store that is full, a run that was
 * cancelled). Called for failures of incremental copies only: a full one never starts another.
 *
 * Whatever the server reports as an error counts (55000 for summaries that are missing, XX000 for a manifest it does not
 * like), except that it goes down (57P0x) or was asked to stop (57014): an increment is a shortcut, and a shortcut that
 * fails must not cost a backup. So do increments that make no sense, do not agree with the server's manifest, or
 * lie on stored bytes that turn out to be damaged.
 */
export function reasonForFull(error: unknown): string | null {
  if (!(error instanceof AppError) || !refusals.has(error.code)) return null;
  if (error.code === "server-error" && String(error.context.sqlState ?? "57").startsWith("57")) return null;
  return error.message;
}

const refusals: ReadonlySet<ErrorCode> = new Set([
  "incremental-refused",
  "server-error",
  "backup-stream-damaged",
  "backup-manifest-mismatch",
  "pack-damaged",
  "pack-missing",
  "manifest-damaged",
  "manifest-missing",
]);
