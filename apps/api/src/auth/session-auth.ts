import { AppError, type Secret } from "@tidemark/kit";
import type { Metadata } from "@tidemark/metadata";
import { betterAuth } from "better-auth";
import { prismaAdapter } from "better-auth/adapters/prisma";
import { username } from "better-auth/plugins/username";

/** A person with a session. */
export interface SessionUser {
  readonly id: string;
  readonly username: string;
  readonly mustChangePassword: boolean;
}

/** People's sessions and passwords, kept by better-auth in the metadata database. */
export interface SessionAuth {
  /** Answers one of the paths in `authPaths`, below /api/auth. */
  handle(request: Request): Promise<Response>;
  /** Who the cookie belongs to, or null. */
  userOf(headers: Headers): Promise<SessionUser | null>;
}

/** All that is served of better-auth: what the login page and the account page use. There is no signing up. */
export const authPaths = {
  "/sign-in/username": "POST",
  "/sign-out": "POST",
  "/get-session": "GET",
  "/change-password": "POST",
  "/list-sessions": "GET",
  "/revoke-other-sessions": "POST",
} as const;

/** Shorter ones are guessed. NIST SP 800-63B asks for 8 at least; this guards the only copy of a company's data. */
export const shortestPassword = 10;

export function createSessionAuth(metadata: Metadata, secret: Secret, baseUrl: string): SessionAuth {
  const auth = betterAuth({
    appName: "Tidemark",
    baseURL: baseUrl,
    basePath: "/api/auth",
    secret: secret.reveal(),
    database: prismaAdapter(metadata.authClient, { provider: "postgresql" }),
    emailAndPassword: { enabled: true, disableSignUp: true, minPasswordLength: shortestPassword },
    plugins: [username()],
    user: {
      additionalFields: { mustChangePassword: { type: "boolean", input: false, defaultValue: false } },
    },
    session: { expiresIn: sessionSeconds, updateAge: 86_400 },
    advanced: {
      cookiePrefix: "tidemark",
      // `Secure` is set by http/auth-routes.ts, which knows how the request came in; the name stays the same.
      useSecureCookies: false,
      defaultCookieAttributes: { httpOnly: true, sameSite: "lax", path: "/" },
      // One rule for every surface: http/origin.ts has refused foreign origins before.
      disableCSRFCheck: true,
      disableOriginCheck: true,
    },
    // One limit for every way in: auth/login-throttle.ts counts failures.
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    logger: { disabled: true },
  });
  return {
    handle: (request) => auth.handler(request),
    async userOf(headers) {
      const session = await auth.api.getSession({ headers }).catch(withoutDatabase);
      if (session === null) return null;
      const { id, username: name, mustChangePassword } = session.user;
      if (typeof name !== "string") {
        throw new AppError("not-authenticated", { message: "the session belongs to nobody who may log in" });
      }
      return { id, username: name, mustChangePassword };
    },
  };
}

/** better-auth passes on nothing of what its database said; that it does not answer is what can go wrong in asking who it is. */
function withoutDatabase(cause: unknown): never {
  throw new AppError("metadata-unreachable", {
    message: "whose session it is cannot be found out: the metadata database cannot be used",
    hint: "check DATABASE_URL and that its server runs; backups in the repositories are not touched by this",
    cause,
  });
}

/** A week without a visit ends a session. */
const sessionSeconds = 7 * 86_400;
