import type { z } from "zod";
import type { Principal } from "../auth/principal.ts";
import type { Services } from "../services.ts";

/** What a handler of REST is given: everything parsed by the operation's own schemas. */
export interface RestRequest<Query, Body> {
  readonly services: Services;
  readonly principal: Principal;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Body;
  /** Header names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly idempotencyKey: string | null;
}

export interface RestAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** `application/json` when left out. */
  readonly mediaType?: string;
}

/** One operation: its route and its place in the OpenAPI document are made from the same value. */
export interface RestOperation<Query = unknown, Body = unknown> {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** OpenAPI form: `/servers/{id}`, below /api/v1. */
  readonly path: string;
  readonly id: string;
  readonly summary: string;
  readonly query?: z.ZodObject<z.ZodRawShape> | undefined;
  readonly body?: z.ZodType | undefined;
  /** Request headers worth naming, with what they mean. */
  readonly headers?: Readonly<Record<string, string>>;
  /** For methods other than POST, which always takes one. */
  readonly takesIdempotencyKey?: boolean;
  /** Status → what is answered then. */
  readonly answers: Readonly<Record<number, { readonly description: string; readonly schema: z.ZodType }>>;
  readonly handle: (request: RestRequest<Query, Body>) => Promise<RestAnswer>;
}

/** Ties a handler's types to its schemas. */
export function operation<
  QuerySchema extends z.ZodObject<z.ZodRawShape> | undefined = undefined,
  BodySchema extends z.ZodType | undefined = undefined,
>(
  definition: Omit<RestOperation, "query" | "body" | "handle"> & {
    readonly query?: QuerySchema;
    readonly body?: BodySchema;
    readonly handle: (
      request: RestRequest<
        QuerySchema extends z.ZodType ? z.output<QuerySchema> : undefined,
        BodySchema extends z.ZodType ? z.output<BodySchema> : undefined
      >,
    ) => Promise<RestAnswer>;
  },
): RestOperation {
  return definition as unknown as RestOperation;
}
