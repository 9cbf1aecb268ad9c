/** A failure as every surface of Tidemark shows it: what, the stable code, what a person can do. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  /** The input field it is about, when the api names one. */
  readonly field: string | null;
}

/** What a request throws. */
export class RequestError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.message);
    this.name = "RequestError";
    this.problem = problem;
  }
}

interface GraphqlAnswer {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message: string; readonly extensions?: unknown }[];
}

/** The data of a GraphQL answer; throws the first of its errors. */
export function readAnswer(answer: unknown, status: number): unknown {
  const { data, errors } = (isRecord(answer) ? answer : {}) as GraphqlAnswer;
  const [first] = errors ?? [];
  if (first !== undefined) throw new RequestError(fromGraphqlError(first));
  if (!isRecord(data))
    throw new RequestError(
      problemDocument(answer) ?? unreachable(`the api answered with status ${status} and no data`),
    );
  return data;
}

export function fromGraphqlError(error: { readonly message: string; readonly extensions?: unknown }): Problem {
  const extensions = isRecord(error.extensions) ? error.extensions : {};
  return {
    code: typeof extensions.code === "string" ? extensions.code.toLowerCase().replaceAll("_", "-") : "internal",
    message: error.message,
    hint: typeof extensions.hint === "string" ? extensions.hint : null,
    field: null,
  };
}

export function unreachable(message: string): Problem {
  return {
    code: "api-unreachable",
    message,
    hint: "Tidemark may be restarting. This page tries again by itself; backups and schedules do not depend on it.",
    field: null,
  };
}

/** A refusal of the REST api (problem+json). */
export async function readRestProblem(response: Response): Promise<Problem> {
  const body: unknown = await response.json().catch(() => null);
  const message = `The api answered with status ${response.status}.`;
  return problemDocument(body) ?? { code: "internal", message, hint: null, field: null };
}

/** What the api answers outside GraphQL, as when it cannot see who asks; null: it is no such document. */
function problemDocument(body: unknown): Problem | null {
  if (!isRecord(body)) return null;
  const text = (value: unknown) => (typeof value === "string" ? value : null);
  const message = text(body.detail) ?? text(body.title);
  const code = text(body.code);
  return code === null || message === null ? null : { code, message, hint: text(body.hint), field: null };
}

/** What was thrown, as a problem; anything unknown is a fault of ours and says so. */
export function toProblem(error: unknown): Problem {
  if (error instanceof RequestError) return error.problem;
  const message = error instanceof Error ? error.message : String(error);
  return { code: "internal", message, hint: "This is a fault of the dashboard. Load the page again.", field: null };
}

/** True when the answer to a problem is to sign in. */
export function needsSignIn(problem: Problem): boolean {
  return problem.code === "not-authenticated" || problem.code === "token-expired" || problem.code === "unauthenticated";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
