import "server-only";
import { print } from "graphql";
import { cookies, headers } from "next/headers";
import { redirect } from "next/navigation";
import type { TadaDocumentNode } from "#graphql/graphql.ts";
import { apiTimeoutMs, apiUrl } from "./config.ts";
import { signInPath } from "./paths.ts";
import { needsSignIn, type Problem, RequestError, readAnswer, toProblem, unreachable } from "./problem.ts";

export type Loaded<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem };

/**
 * Asks the api on behalf of the browser that asks for this page (its cookie is passed on). Whoever is not signed in is
 * sent to the login page; every other failure is a value, because Next hides the text of what a page throws.
 */
export async function load<R, V>(document: TadaDocumentNode<R, V>, variables: V): Promise<Loaded<R>> {
  let problem: Problem;
  try {
    return { ok: true, value: await query(document, variables) };
  } catch (error) {
    problem = toProblem(error);
  }
  if (needsSignIn(problem)) redirect(signInPath(await requestedPath()));
  return { ok: false, problem };
}

async function query<R, V>(document: TadaDocumentNode<R, V>, variables: V): Promise<R> {
  const response = await fetch(`${apiUrl}/graphql`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/graphql-response+json, application/json",
      cookie: (await cookies()).toString(),
    },
    body: JSON.stringify({ query: print(document), variables }),
    cache: "no-store",
    signal: AbortSignal.timeout(apiTimeoutMs),
  }).catch((cause: unknown) => {
    throw new RequestError(unreachable(`The api does not answer (${cause instanceof Error ? cause.message : cause}).`));
  });
  const answer: unknown = await response.json().catch(() => null);
  return readAnswer(answer, response.status) as R;
}

/** The path and query the browser asked for, written down by `proxy.ts`. */
export async function requestedPath(): Promise<string> {
  return (await headers()).get("x-tidemark-path") ?? "/";
}
