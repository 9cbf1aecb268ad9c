import { execFile } from "node:child_process";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { findServerUser, giveTree, type Major } from "@tidemark/local-postgres";
import { cloneRoot } from "./test-postgres.ts";

/**
 * Builds our archive module for a major (with the project's own script; what it needs is fetched once) and copies it to where
 * a server's account can load it.
 *
 * @returns what `archive_library` has to be
 * @throws Error with what is missing and how to get it; there is no test without the module
 */
export async function archiveModule(major: Exclude<Major, 13 | 14>, folder: string): Promise<string> {
  const script = join(cloneRoot(), "native", "archive-module", "scripts", "build.mjs");
  const { stdout } = await promisify(execFile)(process.execPath, [script, "--major", String(major)]);
  const library = join(folder, "tidemark_archive.so");
  await copyFile(stdout.trim(), library);
  await giveTree(folder, await findServerUser());
  return library;
}
