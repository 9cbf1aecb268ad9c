import { AppError } from "@tidemark/kit";

export function objectMissing(location: string, key: string, cause?: unknown): AppError {
  return new AppError("object-missing", { message: `${key} is not in ${location}`, context: { key, location }, cause });
}

export function objectExists(location: string, key: string, cause?: unknown): AppError {
  return new AppError("object-exists", {
    message: `${key} is in ${location} already`,
    hint: "what is stored is never overwritten; nothing was changed",
    context: { key, location },
    cause,
  });
}

export function rangePastEnd(location: string, key: string, end: number, sizeBytes: number): AppError {
  return new AppError("object-damaged", {
    message: `${key} in ${location} ends at byte ${sizeBytes}, bytes up to ${end} were expected`,
    context: { key, location, end, sizeBytes },
  });
}

/** Throws `cancelled` when the signal has fired. */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  throw new AppError("cancelled", { message: "the storage operation was cancelled", cause: signal.reason });
}
