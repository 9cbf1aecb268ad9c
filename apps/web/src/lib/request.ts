import { print } from "graphql";
import type { TadaDocumentNode } from "#graphql/graphql.ts";
import { signInPath } from "./paths.ts";
import { needsSignIn, RequestError, readAnswer, unreachable } from "./problem.ts";

const requestTimeoutMs = 30_000;

/** Asks the api from the browser, on the page's own origin. Throws `RequestError`; an ended session leads to the login page. */
export async function request<R, V>(document: TadaDocumentNode<R, V>, variables: V, signal?: AbortSignal): Promise<R> {
  const timeout = AbortSignal.timeout(requestTimeoutMs);
  const response = await fetch("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/graphql-response+json, application/json" },
    body: JSON.stringify({ query: print(document), variables }),
    signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
  }).catch(() => {
    throw new RequestError(unreachable("The api does not answer."));
  });
  const answer: unknown = await response.json().catch(() => null);
  try {
    return readAnswer(answer, response.status) as R;
  } catch (error) {
    if (error instanceof RequestError && needsSignIn(error.problem)) {
      window.location.assign(signInPath(window.location.pathname + window.location.search));
    }
    throw error;
  }
}
