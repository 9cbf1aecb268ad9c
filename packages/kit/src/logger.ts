import { pino } from "pino";
import { maskSecrets } from "./mask-secrets.ts";

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

function maskError<T extends { message: string; stack: string }>(error: T): T {
  error.message = maskSecrets(error.message);
  error.stack = maskSecrets(error.stack);
  return error;
}

const secretFields = ["password", "dsn", "secret", "token", "authorization", "cookie", "passphrase", "key"];
const secretPaths = secretFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]);
