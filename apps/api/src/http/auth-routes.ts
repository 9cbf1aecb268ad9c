import { AppError, type Clock } from "@tidemark/kit";
import type { Metadata } from "@tidemark/metadata";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { createLoginThrottle } from "../auth/login-throttle.ts";
import { authPaths, type SessionAuth } from "../auth/session-auth.ts";
import { principalOf, webHeaders } from "./identity.ts";

export interface AuthRouteDeps {
  readonly metadata: Pick<Metadata, "audit" | "users">;
  readonly sessions: SessionAuth;
  readonly clock: Clock;
  readonly publicUrl: URL | null;
}

/** /api/auth/*: login, logout, session, password. Logins and password changes are audited, failed ones too. */
export function addAuthRoutes(scope: FastifyInstance, deps: AuthRouteDeps): void {
  const throttle = createLoginThrottle(deps.clock);
  for (const [path, method] of Object.entries(authPaths)) {
    scope.route({
      method,
      url: `/api/auth${path}`,
      handler: async (request, reply) => {
        if (path === "/sign-in/username") return await signIn(deps, throttle, request, reply);
        if (path === "/change-password") return await changePassword(deps, request, reply);
        return await answer(deps, request, reply, await deps.sessions.handle(toWebRequest(request)));
      },
    });
  }
}

async function signIn(
  deps: AuthRouteDeps,
  throttle: ReturnType<typeof createLoginThrottle>,
  request: FastifyRequest,
  reply: FastifyReply,
) {
  const name = nameOf(request.body);
  const user = await deps.metadata.users.findByUsername(name.toLowerCase());
  const audit = (outcome: string) =>
    deps.metadata.audit.append({
      // Not what was typed: sooner or later somebody types the password there.
      actor: user === null ? "user:unknown" : `user:${user.username}`,
      action: "login",
      targetKind: "user",
      targetId: user?.id ?? null,
      detail: { address: request.ip },
      outcome,
    });
  const waitSeconds = throttle.waitSeconds(request.ip, name);
  if (waitSeconds !== null) {
    reply.header("retry-after", String(waitSeconds));
    throw new AppError("rate-limited", {
      message: "too many failed logins",
      hint: `try again in ${Math.ceil(waitSeconds / 60)} min`,
    });
  }
  const response = await deps.sessions.handle(toWebRequest(request));
  if (response.ok) {
    throttle.recordSuccess(request.ip, name);
    await audit("ok");
    return await answer(deps, request, reply, response);
  }
  throttle.recordFailure(request.ip, name);
  await audit("not-authenticated");
  throw new AppError("not-authenticated", { message: "the name or the password is wrong" });
}

async function changePassword(deps: AuthRouteDeps, request: FastifyRequest, reply: FastifyReply) {
  const principal = principalOf(request);
  if (principal === null || principal.kind !== "user") {
    throw new AppError("not-authenticated", { message: "log in first; a token has no password" });
  }
  const response = await deps.sessions.handle(toWebRequest(request));
  await deps.metadata.audit.append({
    actor: principal.actor,
    action: "changePassword",
    targetKind: "user",
    targetId: principal.id,
    outcome: response.ok ? "ok" : "bad-request",
  });
  if (response.ok) await deps.metadata.users.setMustChangePassword(principal.id, false);
  return await answer(deps, request, reply, response);
}

/** better-auth's answer, its errors in our shape. */
async function answer(deps: AuthRouteDeps, request: FastifyRequest, reply: FastifyReply, response: Response) {
  if (!response.ok) {
    const said: unknown = await response.json().catch(() => null);
    const message = (said as { message?: unknown } | null)?.message;
    throw new AppError(response.status === 401 ? "not-authenticated" : "bad-request", {
      message: typeof message === "string" ? message : "the request was refused",
    });
  }
  const secure = request.protocol === "https" || deps.publicUrl?.protocol === "https:";
  for (const cookie of response.headers.getSetCookie()) {
    reply.header("set-cookie", secure && !/;\s*secure/i.test(cookie) ? `${cookie}; Secure` : cookie);
  }
  reply.code(response.status).header("cache-control", "no-store").type("application/json");
  return JSON.stringify(withoutTokens(await response.json()));
}

/** A session's token belongs into the cookie, which scripts of a page cannot read, and nowhere else. */
function withoutTokens(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTokens);
  if (value === null || typeof value !== "object") return value;
  const kept = Object.entries(value).filter(([name]) => name !== "token");
  return Object.fromEntries(kept.map(([name, one]) => [name, withoutTokens(one)]));
}

function toWebRequest(request: FastifyRequest): Request {
  const headers = webHeaders(request);
  for (const name of ["content-length", "transfer-encoding", "connection", "host"]) headers.delete(name);
  const url = `${request.protocol}://${request.host}${request.url}`;
  if (request.method === "GET") return new Request(url, { headers });
  headers.set("content-type", "application/json");
  return new Request(url, { method: request.method, headers, body: JSON.stringify(request.body ?? {}) });
}

/** The name that was typed; longer ones are nobody's. */
function nameOf(body: unknown): string {
  const name = (body as { username?: unknown } | null)?.username;
  return typeof name === "string" ? name.slice(0, 64) : "";
}
