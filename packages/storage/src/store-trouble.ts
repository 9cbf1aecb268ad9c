import { AppError, type ErrorCode } from "@tidemark/kit";

/**
 * Whether an error says that a store could not be read from at all, by whatever cause: it says nothing then about what
 * is stored there. A full store is none: it can be read.
 */
export function isStoreTrouble(error: unknown): boolean {
  return error instanceof AppError && troubles.has(error.code);
}

const troubles: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "storage-unreachable",
  "storage-denied",
  "storage-failed",
  "storage-throttled",
  "storage-tls-failed",
  "storage-host-unknown",
  "storage-bucket-missing",
  "storage-region-wrong",
  "storage-credentials-missing",
  "storage-credentials-wrong",
  "storage-credentials-expired",
  "storage-clock-skewed",
]);
