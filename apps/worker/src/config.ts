import { readFileSync } from "node:fs";
import { availableParallelism, hostname } from "node:os";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import { Secret } from "@tidemark/kit";
import { type Environment, readSettings } from "@tidemark/kit/settings";
import { type StoreCredentials, storeCredentialsOfEnvironment, storeCredentialVariables } from "@tidemark/storage";
import { z } from "zod";

/** What a worker is told. Every name is explained in `.env.example`. */
export interface WorkerSettings {
  readonly databaseUrl: Secret;
  /** Null: the queue lives in the metadata database. */
  readonly redisUrl: Secret | null;
  /** Text of the private key that opens stored credentials; null: a key file in the home, made by the first worker. */
  readonly workerKey: Secret | null;
  /** Absolute path. */
  readonly home: string;
  /** What opens object stores whose repositories have no credentials of their own; null: nothing. */
  readonly storeCredentials: StoreCredentials | null;
  /** Folders restores may go below; empty: anywhere this process may write. */
  readonly restoreRoots: readonly string[];
  /** Absolute path for drills and other temporary data. */
  readonly scratch: string;
  /** How many runs of each queue at once. */
  readonly concurrency: number;
  /** How many servers this worker streams WAL from at most; 0: none. */
  readonly walReceivers: number;
  /** Space a single drill may take; null: what is free. */
  readonly drillMaxBytes: bigint | null;
  /** How many clones live on this worker's machine at once, and how much space all of them may take (null: what is free). */
  readonly clonesMax: number;
  readonly clonesMaxBytes: bigint | null;
  /** Where clones take connections. */
  readonly cloneHost: string;
  /** Threads that compress, hash and encrypt. */
  readonly frameThreads: number;
  /** Copies to second repositories stay below this, in KiB/s on average; null: no limit. */
  readonly copyMaxRateKib: number | null;
  readonly hostname: string;
  /** How often each server is inspected without being asked to, in milliseconds; 0: never. */
  readonly inspectEveryMs: number;
  readonly logLevel: "trace" | "debug" | "info" | "warn" | "error";
  /** How long a dead pack waits before it is removed, in milliseconds. */
  readonly collectionGraceMs: number;
  readonly killHook: KillSettings | null;
}

/** For kill tests only; ignored unless TIDEMARK_TEST_HOOKS=1. */
export interface KillSettings {
  /** A step's name, `name@n` for the n-th time it is reached, or `file:<path>` of a file that names steps, one a line. */
  readonly at: string;
  /** File that gets a line before the process is killed. */
  readonly mark: string;
  /** `self`: the process kills itself with SIGKILL; `wait`: it stays at the step until it is killed or the mark is removed. */
  readonly mode: "self" | "wait";
}

/** Parses the worker's settings; names every problem at once (`setting-invalid`). */
export function readWorkerSettings(environment: Environment, cwd: string): WorkerSettings {
  const { values } = readSettings(
    {
      DATABASE_URL: z.string("must be given").regex(/^postgres(ql)?:\/\//, "must begin with postgresql://"),
      REDIS_URL: z
        .string()
        .regex(/^rediss?:\/\//, "must begin with redis:// or rediss://")
        .optional(),
      WORKER_KEY: z.string().optional(),
      WORKER_CONCURRENCY: count(64).default(2),
      WAL_RECEIVERS: z.coerce.number("must be a number").int("must be a whole number").min(0).max(1_000).default(50),
      DRILL_MAX_BYTES: bytes().optional(),
      CLONES_MAX: z.coerce.number("must be a number").int("must be a whole number").min(0).max(100).default(5),
      CLONES_MAX_BYTES: bytes().optional(),
      CLONE_HOST: z.string().min(1).default("127.0.0.1"),
      WORKER_SCRATCH: z.string().optional(),
      FRAME_THREADS: count(64).default(Math.max(1, Math.min(4, availableParallelism()))),
      COPY_MAX_RATE_KIB: z.coerce
        .number("must be a number")
        .int("must be a whole number")
        .min(32, "must be at least 32")
        .optional(),
      LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error"]).default("info"),
      TIDEMARK_HOME: z.string().default(".tidemark"),
      TIDEMARK_RESTORE_ROOTS: z
        .string()
        .default("")
        .transform(splitRoots)
        .refine(areAbsolute, "every folder must be an absolute path"),
      // More often than every ten seconds would be the load it looks for.
      TIDEMARK_INSPECT_SECONDS: z.coerce
        .number("must be a number")
        .int("must be a whole number")
        .refine((seconds) => seconds === 0 || (seconds >= 10 && seconds <= 86_400), "must be 0 or from 10 to 86400")
        .default(300),
      TIDEMARK_TEST_HOOKS: z.enum(["0", "1"]).default("0"),
      TIDEMARK_KILL_AT: z.string().optional(),
      TIDEMARK_KILL_MARK: z.string().optional(),
      TIDEMARK_KILL_MODE: z.enum(["self", "wait"]).default("self"),
      TIDEMARK_TEST_GRACE_MS: z.coerce.number("must be a number").int("must be a whole number").min(0).optional(),
    },
    environment,
    {
      prefix: "TIDEMARK_",
      known: [
        "TIDEMARK_DEMO",
        "TIDEMARK_URL",
        "TIDEMARK_TOKEN",
        "TIDEMARK_BOOTSTRAP",
        "TIDEMARK_TEST_RUN",
        ...storeCredentialVariables,
      ],
    },
  );
  const home = resolve(cwd, values.TIDEMARK_HOME);
  const testing = values.TIDEMARK_TEST_HOOKS === "1";
  const hook = testing && values.TIDEMARK_KILL_AT !== undefined;
  return {
    databaseUrl: new Secret(values.DATABASE_URL),
    redisUrl: values.REDIS_URL === undefined ? null : new Secret(values.REDIS_URL),
    workerKey: values.WORKER_KEY === undefined ? null : new Secret(values.WORKER_KEY),
    home,
    storeCredentials: storeCredentialsOfEnvironment(environment, (path) => readFileSync(path, "utf8")),
    restoreRoots: values.TIDEMARK_RESTORE_ROOTS,
    scratch: values.WORKER_SCRATCH === undefined ? join(home, "scratch") : resolve(cwd, values.WORKER_SCRATCH),
    concurrency: values.WORKER_CONCURRENCY,
    walReceivers: values.WAL_RECEIVERS,
    drillMaxBytes: values.DRILL_MAX_BYTES ?? null,
    clonesMax: values.CLONES_MAX,
    clonesMaxBytes: values.CLONES_MAX_BYTES ?? null,
    cloneHost: values.CLONE_HOST,
    frameThreads: values.FRAME_THREADS,
    copyMaxRateKib: values.COPY_MAX_RATE_KIB ?? null,
    hostname: hostname(),
    inspectEveryMs: values.TIDEMARK_INSPECT_SECONDS * 1_000,
    logLevel: values.LOG_LEVEL,
    collectionGraceMs: testing ? (values.TIDEMARK_TEST_GRACE_MS ?? collectionGraceMs) : collectionGraceMs,
    killHook: hook
      ? {
          at: values.TIDEMARK_KILL_AT ?? "",
          mark: values.TIDEMARK_KILL_MARK ?? join(home, "kill-mark"),
          mode: values.TIDEMARK_KILL_MODE,
        }
      : null,
  };
}

/** A day: longer than any reader that began before its backup was deleted is expected to take. */
const collectionGraceMs = 24 * 3_600_000;

function count(most: number) {
  return z.coerce.number("must be a number").int("must be a whole number").min(1).max(most);
}

function bytes() {
  return z
    .string()
    .regex(/^[1-9]\d{0,18}$/, "must be a number of bytes above zero")
    .transform(BigInt);
}

function splitRoots(text: string): readonly string[] {
  return text
    .split(delimiter)
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

function areAbsolute(roots: readonly string[]): boolean {
  return roots.every((root) => isAbsolute(root));
}
