import { spawn } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "@tidemark/kit";
import type { PostgresInstallation } from "./installation.ts";
import { findServerUser, identityOf, type ServerUser } from "./server-user.ts";

export interface RunToolOptions {
  /** Under which account; `undefined` asks `findServerUser`. */
  readonly user?: ServerUser | null;
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly signal?: AbortSignal;
}

export interface ToolResult {
  /** The exit code; null when a signal ended the tool. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program of an installation (`initdb`, `pg_controldata` …) to its end under the server's account, in `/` and
 * with a clean environment. A non-zero exit is a result, not an error.
 *
 * @throws AppError `postgres-binaries-missing` when the installation does not bring that program (npm's builds have
 * only initdb, pg_ctl and postgres).
 */
export async function runTool(
  installation: Pick<PostgresInstallation, "binDir" | "major">,
  tool: string,
  args: readonly string[],
  options: RunToolOptions = {},
): Promise<ToolResult> {
  const path = join(installation.binDir, process.platform === "win32" ? `${tool}.exe` : tool);
  try {
    await access(path, constants.X_OK);
  } catch (cause) {
    throw new AppError("postgres-binaries-missing", {
      message: `PostgreSQL ${installation.major} in ${installation.binDir} has no ${tool}`,
      hint: `install the packages of PostgreSQL ${installation.major} that bring ${tool}`,
      cause,
    });
  }
  const user = options.user === undefined ? await findServerUser() : options.user;
  return await runToEnd(path, args, user, options);
}

/** The environment our servers and their tools get: nothing that could redirect them (PG*, LD_*), messages in English. */
export function serverEnvironment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const environment: Record<string, string> = { LC_ALL: "C" };
  for (const name of ["PATH", "TMPDIR", "SystemRoot", "TEMP", "TMP"]) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  return { ...environment, ...extra };
}

function runToEnd(
  path: string,
  args: readonly string[],
  user: ServerUser | null,
  options: RunToolOptions,
): Promise<ToolResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(path, args, {
      cwd: "/",
      env: serverEnvironment(options.environment),
      stdio: ["pipe", "pipe", "pipe"],
      ...identityOf(user),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", reject);
    child.on("close", (exitCode) => resolve({ exitCode, stdout, stderr }));
    // A tool that ends without reading its input is no failure of ours; its exit code tells.
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
  });
}
