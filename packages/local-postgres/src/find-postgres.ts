import { existsSync } from "node:fs";
import { join } from "node:path";
import { AppError, type Logger } from "@tidemark/kit";
import { hostBinDirs } from "./host-installations.ts";
import type { Major, PostgresInstallation } from "./installation.ts";
import { bundledNativeDir, fetchedNativeDir, fetchNative } from "./npm-builds.ts";
import { reachableCopy } from "./reachable-copy.ts";
import { runTool } from "./run-tool.ts";
import { findServerUser, type ServerUser } from "./server-user.ts";

export interface FindPostgresOptions {
  /** Where fetched builds are kept, `<TIDEMARK_HOME>/cache/postgres` by convention; each version is about 70 MB. */
  readonly cacheDir: string;
  /** Whether a build may be fetched from npm when none is here. Default true. */
  readonly allowFetch?: boolean;
  /** Prefer the host's own PostgreSQL (its libraries, its extensions) to npm's build. Default false. */
  readonly preferHost?: boolean;
  /** Whether the host's own may be used at all. Default true; tests say no, so that every machine tests the same. */
  readonly allowHost?: boolean;
  readonly logger?: Logger;
  /** Told in sentences what takes time. */
  readonly onProgress?: (message: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Finds PostgreSQL of one major on this machine: npm's build (bundled, or fetched before), then the host's, then
 * fetched from npm now; with `preferHost` the host's comes first. What is returned was run (`postgres -V`) under the
 * account that will run it.
 *
 * @throws AppError `postgres-binaries-missing` when there is none and it may not or cannot be fetched.
 */
export async function findPostgres(major: Major, options: FindPostgresOptions): Promise<PostgresInstallation> {
  const user = await findServerUser();
  if (options.preferHost === true && options.allowHost !== false) {
    const host = await firstOnHost(major, user);
    if (host !== null) return host;
  }
  const present = bundledNativeDir(major) ?? (await fetchedNativeDir(major, options.cacheDir, user));
  if (present !== null) return await npmInstallation(major, present, user);
  const host = options.preferHost === true || options.allowHost === false ? null : await firstOnHost(major, user);
  if (host !== null) return host;
  if (options.allowFetch === false) {
    throw new AppError("postgres-binaries-missing", {
      message: `there is no PostgreSQL ${major} on this machine`,
      hint: `install PostgreSQL ${major}, or let Tidemark fetch a build of it from npm`,
      context: { major },
    });
  }
  return await npmInstallation(major, await fetchNative(major, user, options), user);
}

/** The host's own installation of a major that brings `tool`, or null: for cross-checks with stock client programs. */
export async function findHostTool(major: Major, tool: string): Promise<PostgresInstallation | null> {
  const user = await findServerUser();
  for (const binDir of hostBinDirs(major)) {
    if (!existsSync(join(binDir, tool))) continue;
    const installation = await examine(major, binDir, "host", null, user, tool);
    if (installation !== null) return installation;
  }
  return null;
}

async function firstOnHost(major: Major, user: ServerUser | null): Promise<PostgresInstallation | null> {
  for (const binDir of hostBinDirs(major)) {
    const found = await examine(major, binDir, "host", null, user, "postgres");
    if (found !== null) return found;
  }
  return null;
}

async function npmInstallation(
  major: Major,
  nativeDir: string,
  user: ServerUser | null,
): Promise<PostgresInstallation> {
  const place = await reachableCopy(nativeDir, user);
  const found = await examine(major, join(place.path, "bin"), "npm", place.relocatedFrom, user, "postgres");
  if (found !== null) return found;
  throw new AppError("postgres-binaries-missing", {
    message: `npm's build of PostgreSQL ${major} in ${place.path} does not run on this machine`,
    hint: `install PostgreSQL ${major} with the system's packages; npm's builds need glibc`,
    context: { major },
  });
}

/** What runs in `binDir`, or null when it does not run here or is of another major. */
async function examine(
  major: Major,
  binDir: string,
  origin: "host" | "npm",
  relocatedFrom: string | null,
  user: ServerUser | null,
  tool: string,
): Promise<PostgresInstallation | null> {
  if (!existsSync(join(binDir, tool))) return null;
  try {
    const result = await runTool({ binDir, major }, tool, ["-V"], { user });
    const version = /\(PostgreSQL\) (\d+.*)$/m.exec(result.stdout)?.[1]?.trim();
    if (result.exitCode !== 0 || version === undefined || Number.parseInt(version, 10) !== major) return null;
    return { major, version, binDir, origin, relocatedFrom };
  } catch {
    // Not executable for that account, or made for another machine: not an installation for us.
    return null;
  }
}
