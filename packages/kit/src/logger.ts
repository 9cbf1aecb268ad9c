import { pino } from "pino";

/** What our code logs through; pino's shape, so that Fastify takes it as it is. */
export type Logger = import("pino").Logger;

export interface LoggerOptions {
  readonly name: string;
  readonly level?: "trace" | "debug" | "info" | "warn" | "error" | "silent";
  /** Where lines go; standard error unless told otherwise, since standard output belongs to results. */
  readonly destination?: import("pino").DestinationStream;
}

/** Structured log lines (JSON, one a line) in which secrets are masked wherever they may hide in known fields. */
export function createLogger(options: LoggerOptions): Logger {
  return pino(
    {
      name: options.name,
      level: options.level ?? "info",
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: secretPaths, censor: "[secret]" },
      hooks: {
        logMethod(args, method) {
          method.apply(this, args.map((arg) => (typeof arg === "string" ? maskSecrets(arg) : arg)) as typeof args);
        },
      },
      serializers: { err: (error: Error) => maskError(pino.stdSerializers.err(error)) },
    },
    options.destination ?? pino.destination({ dest: 2, sync: true }),
  );
}

/**
 * Takes passwords out of free text: those of URIs (`scheme://user:password@`), of key-value DSNs, and of commands that
 * are given one in a variable or an option (archive_command is shown to everybody).
 */
export function maskSecrets(text: string): string {
  return (
    text
      .replace(/([a-z][a-z0-9+.-]*:\/\/[^:@/\s]*):[^@\s]*@/gi, "$1:[secret]@")
      .replace(
        /(?<![\w-])([\w-]*(?:password|passwd|passphrase|cipher-pass|secret|secret_access_key))\s*=\s*('(?:[^'\\]|\\.)*'|[^\s&]+)/gi,
        "$1=[secret]",
      )
      // The first eight letters name a token in runs and the audit; they are no secret.
      .replace(/\btmk_[A-Za-z0-9_-]{9,}/g, "tmk_[secret]")
  );
}

function maskError<T extends { message: string; stack: string }>(error: T): T {
  error.message = maskSecrets(error.message);
  error.stack = maskSecrets(error.stack);
  return error;
}

const secretFields = ["password", "dsn", "secret", "token", "authorization", "cookie", "passphrase", "key"];
const secretPaths = secretFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]);
