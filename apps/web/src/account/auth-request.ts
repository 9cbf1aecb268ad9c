import { RequestError, unreachable } from "#lib/problem.ts";

/** The login's own endpoints (better-auth). Each throws `RequestError`. */

export async function signIn(username: string, password: string): Promise<void> {
  await post("/api/auth/sign-in/username", { username, password });
}

export async function signOut(): Promise<void> {
  await post("/api/auth/sign-out", {});
}

export async function changePassword(currentPassword: string, newPassword: string): Promise<void> {
  await post("/api/auth/change-password", { currentPassword, newPassword, revokeOtherSessions: true });
}

async function post(path: string, body: unknown): Promise<void> {
  const response = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  }).catch(() => {
    throw new RequestError(unreachable("The api does not answer."));
  });
  if (response.ok) return;
  const answer: unknown = await response.json().catch(() => null);
  throw new RequestError(refusal(response, answer));
}

function refusal(response: Response, answer: unknown) {
  const { code, message } = (answer ?? {}) as { readonly code?: unknown; readonly message?: unknown };
  if (response.status === 429) {
    const seconds = response.headers.get("retry-after") ?? response.headers.get("x-retry-after");
    const wait = seconds === null ? "Wait a minute" : `Wait ${seconds} seconds`;
    return { code: "rate-limited", message: "Too many tries.", hint: `${wait}, then try again.`, field: null };
  }
  if (response.status >= 500) return unreachable(`The api answered with status ${response.status}.`);
  return {
    code: typeof code === "string" ? code.toLowerCase().replaceAll("_", "-") : "bad-request",
    message: typeof message === "string" ? message : `The api refused with status ${response.status}.`,
    hint: null,
    field: null,
  };
}
