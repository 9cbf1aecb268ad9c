import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { boundedMemory } from "@tidemark/kit";
import type { StartSettings } from "./config.ts";
import type { HomePaths } from "./home.ts";
import type { ProcessSpec } from "./supervised-process.ts";

/** The clone this file is in. */
export const cloneRoot = fileURLToPath(new URL("../../../", import.meta.url));

export interface ChildFacts {
  readonly settings: StartSettings;
  readonly paths: HomePaths;
  readonly databaseUrl: string;
  readonly authSecret: string;
  readonly webPort: number;
  /** Our own environment, which children inherit. */
  readonly inherited: NodeJS.ProcessEnv;
}

export function apiProcess(facts: ChildFacts): ProcessSpec {
  return {
    name: "api",
    args: [join(cloneRoot, "apps/api/src/main.ts")],
    cwd: cloneRoot,
    environment: {
      ...commonEnvironment(facts),
      API_HOST: facts.settings.host,
      API_PORT: String(facts.settings.port),
      WEB_URL: `http://127.0.0.1:${facts.webPort}`,
      AUTH_SECRET: facts.authSecret,
    },
    stopGraceMs: 8_000,
  };
}

export function workerProcess(facts: ChildFacts): ProcessSpec {
  return {
    name: "worker",
    args: [...boundedMemory.nodeFlags, "--max-old-space-size=256", join(cloneRoot, "apps/worker/src/main.ts")],
    cwd: cloneRoot,
    environment: { ...commonEnvironment(facts), ...boundedMemory.environment },
    stopGraceMs: 14_000,
  };
}

export function webProcess(facts: Omit<ChildFacts, "databaseUrl" | "authSecret">): ProcessSpec {
  const server = join(cloneRoot, "apps/web/.next/standalone/apps/web/server.js");
  return {
    name: "web",
    args: [server],
    cwd: join(server, ".."),
    environment: {
      ...plainEnvironment(facts.inherited),
      NODE_ENV: "production",
      HOSTNAME: "127.0.0.1",
      PORT: String(facts.webPort),
      API_URL: `http://${loopbackOf(facts.settings.host)}:${facts.settings.port}`,
    },
    stopGraceMs: 4_000,
  };
}

/** Where processes of this machine reach the api: the address it listens on, or loopback when that is all of them. */
export function loopbackOf(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}

/** What every process of ours that uses the metadata is given. */
export function commonEnvironment(facts: ChildFacts): Record<string, string> {
  const { settings, paths } = facts;
  return {
    ...plainEnvironment(facts.inherited),
    DATABASE_URL: facts.databaseUrl,
    ...(settings.redisUrl === null ? {} : { REDIS_URL: settings.redisUrl.reveal() }),
    TIDEMARK_HOME: paths.root,
  };
}

/**
 * Our environment without what was meant for us alone: a `DATABASE_URL_FILE` beside the address we pass on would be
 * refused as given twice, and PORT and HOST mean other things to the children.
 */
function plainEnvironment(inherited: NodeJS.ProcessEnv): Record<string, string> {
  const own = new Set([
    "PORT",
    "HOST",
    "DATABASE_URL",
    "DATABASE_URL_FILE",
    "REDIS_URL",
    "REDIS_URL_FILE",
    "TIDEMARK_DEMO",
    "TIDEMARK_BOOTSTRAP",
  ]);
  const entries = Object.entries(inherited).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !own.has(entry[0]),
  );
  return Object.fromEntries(entries);
}
