import { Secret } from "@tidemark/kit";
import { type Environment, readSettings } from "@tidemark/kit/settings";
import { z } from "zod";

/** What the api is told. Every name is explained in `.env.example`. */
export interface ApiSettings {
  readonly databaseUrl: Secret;
  /** Given: the queues hang on that Redis or Valkey instead of the metadata database. */
  readonly redisUrl: Secret | null;
  readonly host: string;
  readonly port: number;
  /** Where the dashboard listens; every path the api does not know goes there. Null: none is served. */
  readonly webUrl: string | null;
  /** The address people use, when it is not the one we listen on (a proxy in front). Null: whatever they asked for. */
  readonly publicUrl: URL | null;
  /** Signs sessions and hashes requests that carry secrets. */
  readonly authSecret: Secret;
  /** Base64 of the workers' public key; null: the one the instance's row names. */
  readonly workerPublicKey: string | null;
  /** Whose `X-Forwarded-*` headers are believed: nobody's, everybody's, or those of the addresses named. */
  readonly trustProxy: boolean | string;
  readonly logLevel: "trace" | "debug" | "info" | "warn" | "error" | "silent";
  /** Shown on the system page. */
  readonly home: string | null;
  /** Names that were taken from the environment. */
  readonly given: readonly string[];
}

const HttpUrl = z.url({ protocol: /^https?$/, error: "must be an http:// or https:// address" });

/** Names the command scripts need too (`ensure-admin.ts`). */
export const databaseSetting = z
  .string("is needed: the address of the metadata database")
  .regex(/^postgres(ql)?:\/\//, "must begin with postgresql://");

/** Parses the settings; names every problem at once (`setting-invalid`). */
export function readApiSettings(environment: Environment): ApiSettings {
  const { values, given } = readSettings(
    {
      DATABASE_URL: databaseSetting,
      REDIS_URL: z
        .string()
        .regex(/^rediss?:\/\//, "must begin with redis:// or rediss://")
        .optional(),
      API_HOST: z.string().default("127.0.0.1"),
      API_PORT: z.coerce.number("must be a number").int("must be a whole number").min(0).max(65_535).default(7400),
      WEB_URL: HttpUrl.optional(),
      PUBLIC_URL: HttpUrl.optional(),
      AUTH_SECRET: z
        .string("is needed: any text of 32 characters or more, kept for good")
        .min(32, "must have at least 32 characters"),
      WORKER_PUBLIC_KEY: z.string().optional(),
      TRUST_PROXY: z.string().default("0"),
      LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "silent"]).default("info"),
      TIDEMARK_HOME: z.string().optional(),
    },
    environment,
  );
  return {
    databaseUrl: new Secret(values.DATABASE_URL),
    redisUrl: values.REDIS_URL === undefined ? null : new Secret(values.REDIS_URL),
    host: values.API_HOST,
    port: values.API_PORT,
    webUrl: values.WEB_URL ?? null,
    publicUrl: values.PUBLIC_URL === undefined ? null : new URL(values.PUBLIC_URL),
    authSecret: new Secret(values.AUTH_SECRET),
    workerPublicKey: values.WORKER_PUBLIC_KEY ?? null,
    trustProxy: values.TRUST_PROXY === "0" ? false : values.TRUST_PROXY === "1" ? true : values.TRUST_PROXY,
    logLevel: values.LOG_LEVEL,
    home: values.TIDEMARK_HOME ?? null,
    given,
  };
}
