import { AppError } from "@tidemark/kit";
import type { z } from "zod";

/** Parses what a caller sent. Throws `bad-request` naming the first field that is wrong, and all of them in words. */
export function parseInput<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const [first] = parsed.error.issues;
  const message = parsed.error.issues
    .map((issue) => (issue.path.length === 0 ? issue.message : `${issue.path.join(".")}: ${issue.message}`))
    .join("; ");
  throw new AppError("bad-request", { message, context: { field: first?.path.join(".") || undefined } });
}

/** `bad-request` about one field. */
export function badField(field: string, message: string, hint?: string): AppError {
  return new AppError("bad-request", { message, hint, context: { field } });
}

export function notFound(what: string, id: string, field?: string): AppError {
  return new AppError("not-found", { message: `there is no ${what} ${id}`, context: { field } });
}
