import { AppError } from "@tidemark/kit";

export function walConflict(name: string, why: string): AppError {
  return new AppError("wal-conflict", {
    message: `${name} is in the archive with other bytes: ${why}`,
    hint: "two servers write into one place, or one was restored and archives on the old timeline; what is stored was kept",
    context: { segment: name },
  });
}

export function walMissing(name: string, location: string): AppError {
  return new AppError("wal-missing", {
    message: `${name} is not in the WAL archive in ${location}`,
    context: { segment: name },
  });
}

export function walDamaged(name: string, why: string, cause?: unknown): AppError {
  return new AppError("wal-damaged", {
    message: `${name} in the WAL archive is damaged: ${why}`,
    hint: "a second repository may have it whole",
    context: { segment: name },
    cause,
  });
}

/** What is wrong with an object's bytes is damage of WAL; what the store says stays what it is. */
export function asWalDamage(name: string, error: unknown): unknown {
  if (error instanceof AppError)
    return error.code === "object-damaged" ? walDamaged(name, error.message, error) : error;
  return walDamaged(name, error instanceof Error ? error.message : String(error), error);
}
