import { AppError, type ErrorCode, isErrorCode } from "@tidemark/kit";
import { createClient } from "graphql-sse";
import { z } from "zod";
import type { CliConfig } from "./config.ts";

export type Variables = Readonly<Record<string, unknown>>;

/** The command's view of the control plane: GraphQL over HTTP, its event stream, and the few plain downloads. */
export interface ApiClient {
  readonly url: string;
  query<T>(shape: z.ZodType<T>, document: string, variables?: Variables): Promise<T>;
  /** Events of a subscription until the server ends it; throws when the stream breaks. */
  subscribe<T>(shape: z.ZodType<T>, document: string, variables: Variables): AsyncIterable<T>;
  download(path: string, headers: Readonly<Record<string, string>>): Promise<string>;
}

export function createApiClient(config: CliConfig): ApiClient {
  const authorization = (): Record<string, string> =>
    config.token === null ? {} : { authorization: `Bearer ${config.token.reveal()}` };

  return {
    url: config.url,
    async query(shape, document, variables = {}) {
      const response = await send(config, "/graphql", {
        method: "POST",
        headers: {
          "content-type": "application/json",
          accept: "application/graphql-response+json, application/json",
          ...authorization(),
        },
        body: JSON.stringify({ query: document, variables }),
      });
      const envelope = Envelope.safeParse(await readJson(config, response));
      if (!envelope.success) throw notOurs(config, response.status);
      const [first] = envelope.data.errors ?? [];
      if (first !== undefined) throw fromGraphqlError(config, first);
      return parseAnswer(shape, envelope.data.data);
    },
    async *subscribe(shape, document, variables) {
      const client = createClient({ url: `${config.url}/graphql/stream`, headers: authorization, retryAttempts: 0 });
      try {
        for await (const result of client.iterate({ query: document, variables: { ...variables } })) {
          const [first] = result.errors ?? [];
          if (first !== undefined) throw fromGraphqlError(config, first);
          yield parseAnswer(shape, result.data);
        }
      } finally {
        client.dispose();
      }
    },
    async download(path, headers) {
      const response = await send(config, path, { headers: { ...authorization(), ...headers } });
      if (response.ok) return response.text();
      const problem = Problem.safeParse(await readJson(config, response));
      if (!problem.success) throw notOurs(config, response.status);
      throw toAppError(config, problem.data.code, problem.data.detail ?? problem.data.title, problem.data.hint);
    },
  };
}

const requestTimeoutMs = 60_000;

async function send(config: CliConfig, path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(`${config.url}${path}`, { ...init, signal: AbortSignal.timeout(requestTimeoutMs) });
  } catch (cause) {
    throw new AppError("api-unreachable", {
      message: `no answer from ${config.url} (${reasonOf(cause)})`,
      hint: "is Tidemark running there (`npm start`)? TIDEMARK_URL names another address",
      cause,
    });
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.message : error.message;
}

async function readJson(config: CliConfig, response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch (cause) {
    throw notOurs(config, response.status, cause);
  }
}

function notOurs(config: CliConfig, status: number, cause?: unknown): AppError {
  return new AppError("api-unreachable", {
    message: `${config.url} answered with status ${status} and nothing that Tidemark says`,
    hint: "check TIDEMARK_URL; another program may be listening there, or Tidemark is still starting",
    cause,
  });
}

const ErrorExtensions = z.object({ code: z.string().optional(), hint: z.string().nullish() }).loose();

function fromGraphqlError(config: CliConfig, error: { message: string; extensions?: unknown }): AppError {
  const extensions = ErrorExtensions.safeParse(error.extensions);
  return toAppError(config, extensions.data?.code ?? "internal", error.message, extensions.data?.hint);
}

function toAppError(config: CliConfig, code: string, message: string, hint: string | null | undefined): AppError {
  const known: ErrorCode = isErrorCode(code) ? code : "internal";
  const fallback =
    known === "not-authenticated" || known === "token-expired"
      ? `the token came from ${config.tokenSource}`
      : undefined;
  return new AppError(known, { message, hint: hint ?? fallback });
}

/** Throws the first of a payload's `userErrors` as the error it is. */
export function refuseUserErrors(userErrors: readonly UserError[]): void {
  const [first] = userErrors;
  if (first === undefined) return;
  throw new AppError(isErrorCode(first.code) ? first.code : "bad-request", {
    message: first.message,
    hint: first.hint ?? undefined,
  });
}

function parseAnswer<T>(shape: z.ZodType<T>, value: unknown): T {
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new AppError("internal", {
    message: "the answer has not the shape this command knows",
    hint: "the command and the control plane may be of different versions",
    cause: parsed.error,
  });
}

const Envelope = z.object({
  data: z.unknown().optional(),
  errors: z.array(z.object({ message: z.string(), extensions: z.unknown().optional() })).optional(),
});
const Problem = z.object({
  code: z.string(),
  title: z.string(),
  detail: z.string().optional(),
  hint: z.string().nullish(),
});

export const UserError = z.object({ code: z.string(), message: z.string(), hint: z.string().nullable() });
export type UserError = z.infer<typeof UserError>;
export const userErrorFields = "userErrors { code message hint }";
