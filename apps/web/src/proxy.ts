import { type NextRequest, NextResponse } from "next/server";

/**
 * Runs before every page: tells the page which address was asked for (the way back after the login) and sets the
 * content security policy. Next finds the nonce in the request's copy of the header and puts it on its own scripts.
 */
export function proxy(request: NextRequest): NextResponse {
  const nonce = crypto.randomUUID();
  const policy = contentSecurityPolicy(nonce);
  const headers = new Headers(request.headers);
  headers.set("content-security-policy", policy);
  headers.set("x-tidemark-path", request.nextUrl.pathname + withoutInternals(request.nextUrl.searchParams));
  const response = NextResponse.next({ request: { headers } });
  response.headers.set("content-security-policy", policy);
  response.headers.set("referrer-policy", "same-origin");
  response.headers.set("x-content-type-options", "nosniff");
  return response;
}

function contentSecurityPolicy(nonce: string): string {
  // `next dev` evaluates code and speaks a socket; a build does neither.
  const development = process.env.NODE_ENV === "development";
  return [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'${development ? " 'unsafe-eval'" : ""}`,
    // Progress bars and dialogs set style attributes.
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    `connect-src 'self'${development ? " ws:" : ""}`,
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
}

function withoutInternals(parameters: URLSearchParams): string {
  const own = new URLSearchParams(parameters);
  own.delete("_rsc");
  return own.size === 0 ? "" : `?${own}`;
}

export const config = { matcher: ["/((?!_next/|web-health|.*\\.(?:svg|png|ico|woff2)$).*)"] };
