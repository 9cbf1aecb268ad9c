import { type Blame, type ErrorCode, errorCodes, type RetryAdvice } from "./error-codes.ts";

/** Facts that help to find the place: ids, names, paths. Never a secret; they are logged and shown. */
export type ErrorContext = Readonly<Record<string, string | number | bigint | boolean | null | undefined>>;

export interface AppErrorOptions {
  /** What failed, on what, and why, in one sentence. */
  readonly message: string;
  /** What is still safe and what a person can do next. */
  readonly hint?: string | undefined;
  readonly context?: ErrorContext | undefined;
  readonly cause?: unknown;
}

/** The only error class we throw on purpose. Foreign errors are wrapped once, where they enter, with `cause`. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly context: ErrorContext;

  constructor(code: ErrorCode, options: AppErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "AppError";
    this.code = code;
    this.hint = options.hint;
    this.context = options.context ?? {};
  }

  get retry(): RetryAdvice {
    return errorCodes[this.code].retry;
  }

  get blame(): Blame {
    return errorCodes[this.code].blame;
  }
}

/** An error as every surface shows it: plain values, no stack, no cause. */
export interface ErrorDescription {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | null;
}

/** Turns whatever was thrown into the values we show. What is not ours becomes `internal`. */
export function describeError(error: unknown): ErrorDescription {
  if (error instanceof AppError) return { code: error.code, message: error.message, hint: error.hint ?? null };
  if (error instanceof AggregateError) {
    const first: unknown = error.errors[0];
    if (first instanceof AppError) return describeError(first);
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: "internal", message, hint: "this is a bug of ours; the log has the details" };
}

/** The code of a Node.js system error (`ENOENT`, `ECONNREFUSED` …), or undefined when it is none. */
export function systemErrorCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/**
 * Runs `cleanup` after `first` was thrown and returns the error to throw on: `first` alone, or an AggregateError with
 * `first` in front when the cleanup failed too. Cleanup never hides the first error.
 */
export async function joinCleanup(first: unknown, cleanup: () => Promise<void>): Promise<unknown> {
  try {
    await cleanup();
    return first;
  } catch (second) {
    const message = first instanceof Error ? first.message : String(first);
    return new AggregateError([first, second], `${message} (and the cleanup failed too)`, { cause: first });
  }
}
