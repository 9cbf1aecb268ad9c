import { resolve } from "node:path";
import { AppError, Secret } from "@tidemark/kit";
import { type Environment, readSettings } from "@tidemark/kit/settings";
import { z } from "zod";

/** What `npm start` is told. Every name is explained in `.env.example`. */
export interface StartSettings {
  /** The one port of the product. */
  readonly port: number;
  /** The address it listens on; loopback unless told otherwise. */
  readonly host: string;
  /** Absolute path of the folder that holds all state. */
  readonly home: string;
  /** Whether a demo server is made and run. */
  readonly demo: boolean;
  /** Given: that PostgreSQL holds metadata and no server of our own is started. */
  readonly databaseUrl: Secret | null;
  /** Given: queues run on that Redis or Valkey instead of PostgreSQL. */
  readonly redisUrl: Secret | null;
  /** Gives `admin` a new one-time password at this start. */
  readonly resetAdmin: boolean;
  /** Names that were taken from the environment, for the start-up message. */
  readonly given: readonly string[];
}

/** Parses the settings of the start; names every problem at once (`setting-invalid`). */
export function readStartSettings(environment: Environment, cwd: string, args: readonly string[] = []): StartSettings {
  const unknown = args.find((arg) => arg !== "--reset-admin");
  if (unknown !== undefined) {
    throw new AppError("setting-invalid", {
      message: `"${unknown}" is not an option of the start`,
      hint: "the only one is --reset-admin; everything else is set in the environment, see .env.example",
    });
  }
  const { values, given } = readSettings(
    {
      PORT: z.coerce.number("must be a number").int("must be a whole number").min(1).max(65_535).default(7400),
      HOST: z.string().default("127.0.0.1"),
      TIDEMARK_HOME: z.string().default(".tidemark"),
      TIDEMARK_DEMO: z.enum(["0", "1"], "must be 0 or 1").default("1"),
      DATABASE_URL: z
        .string()
        .regex(/^postgres(ql)?:\/\//, "must begin with postgresql://")
        .optional(),
      REDIS_URL: z
        .string()
        .regex(/^rediss?:\/\//, "must begin with redis:// or rediss://")
        .optional(),
    },
    environment,
    { prefix: "TIDEMARK_", known: namesOfOthers },
  );
  return {
    port: values.PORT,
    host: values.HOST,
    home: resolve(cwd, values.TIDEMARK_HOME),
    demo: values.TIDEMARK_DEMO === "1",
    databaseUrl: values.DATABASE_URL === undefined ? null : new Secret(values.DATABASE_URL),
    redisUrl: values.REDIS_URL === undefined ? null : new Secret(values.REDIS_URL),
    resetAdmin: args.includes("--reset-admin"),
    given,
  };
}

/** `TIDEMARK_*` names read by the worker, the api, the command and the tests: known here so that a misspelt one stands out. */
const namesOfOthers = [
  "TIDEMARK_RESTORE_ROOTS",
  "TIDEMARK_INSPECT_SECONDS",
  "TIDEMARK_URL",
  "TIDEMARK_TOKEN",
  "TIDEMARK_TEST_HOOKS",
  "TIDEMARK_KILL_AT",
  "TIDEMARK_KILL_MARK",
  "TIDEMARK_KILL_MODE",
  "TIDEMARK_TEST_GRACE_MS",
  "TIDEMARK_BOOTSTRAP",
  "TIDEMARK_TEST_RUN",
  "TIDEMARK_STORE_CREDENTIALS_FILE",
  "TIDEMARK_STORE_ACCESS_KEY_ID",
  "TIDEMARK_STORE_SECRET_ACCESS_KEY",
  "TIDEMARK_STORE_SESSION_TOKEN",
  "TIDEMARK_STORE_PROFILE",
  "TIDEMARK_STORE_PROFILE_FILE",
  "TIDEMARK_STORE_CHAIN",
  "TIDEMARK_STORE_ACCOUNT_KEY",
  "TIDEMARK_STORE_SAS",
  "TIDEMARK_STORE_CONNECTION_STRING",
];
