import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { AppError, type ErrorDescription, isErrorCode, Secret } from "@tidemark/kit";
import { type ChildFacts, cloneRoot, commonEnvironment } from "./children.ts";

/** How people get in. */
export interface Access {
  readonly username: string;
  /** Only when the first administrator was made, or the password reset, just now. */
  readonly oneTimePassword: Secret | null;
}

/**
 * Sees to it that there is an administrator and a token for the command on this machine (`<home>/admin-token`, 0600). The
 * api's own program does it, which alone knows how passwords and tokens are kept.
 */
export async function ensureAccess(facts: ChildFacts): Promise<Access> {
  const program = join(cloneRoot, "apps/api/src/ensure-admin.ts");
  const reset = facts.settings.resetAdmin ? ["--reset-password"] : [];
  try {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [program, "--token-file", facts.paths.adminToken, ...reset],
      { env: commonEnvironment(facts), cwd: cloneRoot },
    );
    const { username, password } = JSON.parse(stdout) as { username: string; password: string | null };
    return { username, oneTimePassword: password === null ? null : new Secret(password) };
  } catch (error) {
    throw explain(error);
  }
}

/** The program prints what went wrong as one line of JSON on its standard error. */
function explain(error: unknown): unknown {
  const stderr = typeof error === "object" && error !== null && "stderr" in error ? String(error.stderr) : "";
  const last = stderr.trim().split("\n").at(-1) ?? "";
  try {
    const { code, message, hint } = JSON.parse(last) as ErrorDescription;
    if (isErrorCode(code)) return new AppError(code, { message, hint: hint ?? undefined, cause: error });
  } catch {
    // Not a line of ours: the error itself says more.
  }
  return error;
}
