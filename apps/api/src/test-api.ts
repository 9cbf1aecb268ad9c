import { Writable } from "node:stream";
import type { InspectResult, RunKind, ServerActResult } from "@tidemark/jobs";
import { newId, Secret, systemClock } from "@tidemark/kit";
import { createLogger } from "@tidemark/kit/logger";
import { newSealingKeys, type SealingKeys } from "@tidemark/kit/sealed-text";
import { type Metadata, migrate, openMetadata, type TokenAccess } from "@tidemark/metadata";
import { type TestServer, testServer } from "@tidemark/testkit";
import type { FastifyInstance } from "fastify";
import { makeTokenText } from "./auth/api-token.ts";
import { createSessionAuth } from "./auth/session-auth.ts";
import { ensureAdmin } from "./ensure-admin.ts";
import { createSealer } from "./sealer.ts";
import { buildServer } from "./server.ts";

/** For integration tests: the whole api on a real PostgreSQL, listening, with a bell that only notes who rang. */
export interface TestApi extends AsyncDisposable {
  readonly url: string;
  readonly app: FastifyInstance;
  readonly metadata: Metadata;
  readonly database: TestServer;
  /** The worker's pair; tests open with it what the api sealed. */
  readonly workerKeys: SealingKeys;
  readonly rings: { readonly runId: string; readonly kind: RunKind }[];
  /** A token with full access. */
  readonly token: string;
  makeToken(access: TokenAccess, expiresAt?: Date | null): Promise<string>;
  /** The payload of a mutation: these fields of it, and its userErrors. Throws when there is none. */
  // biome-ignore lint/suspicious/noExplicitAny: answers of any shape; the tests say what they expect.
  mutate(name: string, input: object, fields?: string, headers?: Record<string, string>): Promise<any>;
  graphql(query: string, variables?: object, headers?: Record<string, string>): Promise<GraphqlAnswer>;
  rest(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<RestAnswer>;
  login(password?: string, headers?: Record<string, string>): Promise<Response>;
  /** Every answer's body and every log line so far, for searching what must not be there. */
  readonly everything: string[];
}

export interface GraphqlAnswer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers of any shape; the tests say what they expect.
  readonly data: any;
  readonly errors: readonly { message: string; extensions: { code: string; hint: string | null } }[] | undefined;
}

export interface RestAnswer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: answers of any shape; the tests say what they expect.
  readonly body: any;
}

export const adminPassword = "a-password-of-the-test";

export async function testApi(options: { webUrl?: string; publicUrl?: URL } = {}): Promise<TestApi> {
  const database = await testServer({ settings: { max_connections: 60 } });
  await database.query("CREATE DATABASE tidemark");
  const databaseUrl = database.dsn({ database: "tidemark" });
  await migrate(databaseUrl);
  const everything: string[] = [];
  const logger = createLogger({ name: "test", level: "trace", destination: noteLines(everything) });
  const metadata = openMetadata({ url: databaseUrl, logger });
  const workerKeys = await newSealingKeys();
  await metadata.instance.setWorkerPublicKey(workerKeys.publicKey);
  await ensureAdmin(metadata, adminPassword);
  const authSecret = new Secret("an authentication secret of the test");
  const rings: { runId: string; kind: RunKind }[] = [];
  const app = await buildServer({
    services: {
      metadata,
      bells: {
        backend: "postgresql",
        ring: async (runId, kind) => void rings.push({ runId, kind }),
        upsertSchedule: async () => undefined,
        removeSchedule: async () => true,
        ping: async () => undefined,
      },
      sealer: createSealer(metadata, null),
      clock: systemClock,
      logger,
      authSecret,
      home: null,
    },
    sessions: createSessionAuth(metadata, authSecret, "http://127.0.0.1:7400"),
    webUrl: options.webUrl ?? null,
    publicUrl: options.publicUrl ?? null,
    trustProxy: false,
  });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  const makeToken = async (access: TokenAccess, expiresAt: Date | null = null) => {
    const made = makeTokenText();
    await metadata.tokens.create({ ...made, name: `a ${access} token`, access, createdBy: "test", expiresAt });
    return made.text;
  };
  const token = await makeToken("full");
  const send = async (path: string, init: RequestInit) => {
    const response = await fetch(`${url}${path}`, init);
    const text = await response.text();
    everything.push(text, JSON.stringify([...response.headers]));
    return { response, text };
  };
  const graphql: TestApi["graphql"] = async (query, variables = {}, headers = { authorization: `Bearer ${token}` }) => {
    const { response, text } = await send("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = JSON.parse(text);
    return { status: response.status, data, errors };
  };
  return {
    url,
    app,
    metadata,
    database,
    workerKeys,
    rings,
    token,
    everything,
    makeToken,
    graphql,
    async mutate(name, input, fields = "", headers = undefined) {
      const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`;
      const { data, errors } = await graphql(
        `mutation ($input: ${type}!) { ${name}(input: $input) { ${fields} userErrors { code field message hint } } }`,
        { input },
        headers,
      );
      if (errors !== undefined) throw new Error(JSON.stringify(errors));
      return data[name];
    },
    async rest(method, path, body, headers = {}) {
      const { response, text } = await send(path, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const isJson = response.headers.get("content-type")?.includes("json") === true;
      return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
    },
    login: (password = adminPassword, headers = {}) =>
      fetch(`${url}/api/auth/sign-in/username`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify({ username: "admin", password }),
      }),
    async [Symbol.asyncDispose]() {
      await app.close();
      await metadata.close();
      await database[Symbol.asyncDispose]();
    },
  };
}

function noteLines(lines: string[]): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString("utf8"));
      done();
    },
  });
}

/** A repository, a server on it and a restorable backup of it, as a worker would have left them. */
export async function seedBackup(metadata: Metadata, name = "main") {
  const repository = await metadata.repositories.create({ name, url: `file:///srv/${name}`, encrypted: true });
  await metadata.repositories.update(repository.id, { state: "ready", formatVersion: 1 });
  const server = await metadata.servers.register({
    name,
    sealedDsn: "c2VhbGVk",
    connection: "postgresql://backup@db.example/postgres",
    repositoryId: repository.id,
    policy: { create: { name, keepLast: 1 } },
    schedules: [{ kind: "backup", cron: "0 3 * * *", zone: "Europe/Berlin" }],
  });
  const addBackup = async (startedAt: Date) => {
    return await metadata.backups.mirror({
      id: newId("backup"),
      serverId: server.id,
      repositoryId: repository.id,
      startedAt,
      change: {
        state: "restorable",
        finishedAt: new Date(startedAt.getTime() + 60_000),
        startLsn: 0x16_b374d848n,
        sizeBytes: 1000n,
        storedBytes: 400n,
        tablespaces: [],
      },
    });
  };
  const older = await addBackup(new Date(Date.now() - 3 * 86_400_000));
  const newer = await addBackup(new Date(Date.now() - 3_600_000));
  return { repository, server, older, newer };
}

/** Ends a run as a worker leaves it. */
export async function finishRun(
  { workers, runs }: Metadata,
  runId: string,
  result: InspectResult | ServerActResult,
  state: "succeeded" | "failed" = "succeeded",
) {
  const id = "wrk_00000000000000000000000000";
  await workers.register({ id, hostname: "test", pid: 1, version: "0", restoreRoots: [] });
  await runs.claim(runId, id);
  const error = { code: "host-unknown" as const, message: "no such host", hint: null };
  await runs.finish(runId, state === "failed" ? { state, error, result } : { state, result });
}
