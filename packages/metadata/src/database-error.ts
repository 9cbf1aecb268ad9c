import { AppError, systemErrorCode } from "@tidemark/kit";
import { Prisma } from "./generated/client.ts";

/** Whether a write failed because a unique key is taken; the columns when the database named them. */
export function isUniqueViolation(error: unknown): boolean {
  return (
    (error instanceof Prisma.PrismaClientKnownRequestError && error.code === "P2002") || sqlState(error) === "23505"
  );
}

/** Whether a write named a row that is not there (a foreign key). */
export function isForeignKeyViolation(error: unknown): boolean {
  return (
    (error instanceof Prisma.PrismaClientKnownRequestError && error.code === "P2003") || sqlState(error) === "23503"
  );
}

/** Wraps what connecting to or talking with the metadata database threw, so that nobody above reads its text. */
export function metadataUnreachable(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const reason =
    error instanceof Error && error.message !== "" ? error.message : (systemErrorCode(error) ?? String(error));
  return new AppError("metadata-unreachable", {
    message: `the metadata database cannot be used: ${reason}`,
    hint: "check DATABASE_URL and that its server runs; backups in the repositories are not touched by this",
    cause: error,
  });
}

/** `name-taken` in one form for every kind of thing. */
export function nameTaken(what: string, name: string, cause?: unknown): AppError {
  return new AppError("name-taken", {
    message: `there is a ${what} named "${name}" already`,
    hint: "choose another name",
    cause,
  });
}

export function notFound(what: string, id: string): AppError {
  return new AppError("not-found", { message: `there is no ${what} ${id}`, context: { id } });
}

export function versionConflict(what: string, id: string): AppError {
  return new AppError("version-conflict", {
    message: `the ${what} was changed by somebody else meanwhile`,
    hint: "load it again and repeat the change; nothing was written",
    context: { id },
  });
}

/** The SQLSTATE of a failed raw query, through Prisma's wrapping or from pg itself. */
function sqlState(error: unknown): string | undefined {
  if (error instanceof Prisma.PrismaClientKnownRequestError && error.code === "P2010") {
    const cause = (error.meta?.driverAdapterError as { cause?: { originalCode?: unknown; code?: unknown } } | undefined)
      ?.cause;
    const code = cause?.originalCode ?? cause?.code ?? error.meta?.code;
    return typeof code === "string" ? code : undefined;
  }
  return systemErrorCode(error);
}
