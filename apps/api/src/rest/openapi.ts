import { z } from "zod";
import { Problem, problemMediaType } from "../errors/problem.ts";
import { version } from "../version.ts";
import { apiRoot } from "./answers.ts";
import type { RestOperation } from "./operation.ts";
import { operations } from "./operations.ts";

/** The OpenAPI 3.1 document of REST, from the schemas that parse requests and describe answers. */
export function openApiDocument(): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of operations) {
    const path = paths[operation.path] ?? {};
    path[operation.method.toLowerCase()] = describe(operation);
    paths[operation.path] = path;
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Tidemark",
      version,
      description: "Backups of PostgreSQL servers. Long work is a run: 202 with its address in Location.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: apiRoot }],
    security: [{ token: [] }, { session: [] }],
    paths,
    components: {
      securitySchemes: {
        token: { type: "http", scheme: "bearer", description: "An API token, `tmk_…`." },
        session: { type: "apiKey", in: "cookie", name: "tidemark.session_token" },
      },
    },
  };
}

function describe(operation: RestOperation): object {
  return {
    operationId: operation.id,
    summary: operation.summary,
    parameters: [...pathParameters(operation.path), ...queryParameters(operation), ...headerParameters(operation)],
    ...(operation.body === undefined
      ? {}
      : { requestBody: { required: needsBody(operation.body), content: json(schemaOf(operation.body, "input")) } }),
    responses: {
      ...Object.fromEntries(
        Object.entries(operation.answers).map(([status, { description, schema }]) => [
          status,
          { description, content: schema instanceof z.ZodString ? text(schema) : json(schemaOf(schema, "output")) },
        ]),
      ),
      default: {
        description: "An error, with a stable code.",
        content: { [problemMediaType]: { schema: schemaOf(Problem, "output") } },
      },
    },
  };
}

/** One that is left out is read as an empty object (routes.ts). */
function needsBody(body: z.ZodType): boolean {
  return !body.safeParse({}).success;
}

function pathParameters(path: string): readonly object[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
}

function queryParameters({ query }: RestOperation): readonly object[] {
  return Object.entries(query?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: "query",
    required: !(schema as z.ZodType).safeParse(undefined).success,
    schema: schemaOf(schema as z.ZodType, "input"),
  }));
}

function headerParameters({ method, headers, takesIdempotencyKey }: RestOperation): readonly object[] {
  const named = Object.entries(headers ?? {}).map(([name, description]) => ({ name, description, required: true }));
  const key = {
    name: "Idempotency-Key",
    description: "The same key and request again gives the first answer; kept for a day.",
    required: false,
  };
  return (method === "POST" || takesIdempotencyKey === true ? [...named, key] : named).map((header) => ({
    ...header,
    in: "header",
    schema: { type: "string" },
  }));
}

function json(schema: object): object {
  return { "application/json": { schema } };
}

function text(schema: z.ZodType): object {
  return { "text/plain": { schema: schemaOf(schema, "output") } };
}

/** JSON Schema 2020-12, which OpenAPI 3.1 uses as it is; each place has its own copy, without references. */
function schemaOf(schema: z.ZodType, io: "input" | "output"): object {
  const {
    $schema: _dialect,
    id: _id,
    ...rest
  } = z.toJSONSchema(schema, {
    io,
    reused: "inline",
    unrepresentable: "any",
  }) as Record<string, unknown>;
  return rest;
}
