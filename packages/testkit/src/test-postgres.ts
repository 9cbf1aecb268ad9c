import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { findPostgres, type Major, type PostgresInstallation } from "@tidemark/local-postgres";

/** Every major the product supports; tests that concern the server run once per entry. */
export const majors = [13, 14, 15, 16, 17, 18] as const satisfies readonly Major[];

/**
 * PostgreSQL of a major for tests: npm's build, so that every machine tests the same one, kept in the clone's
 * `.tidemark/cache/postgres` (or below TIDEMARK_HOME) so that it is fetched once.
 */
export function testPostgres(major: Major): Promise<PostgresInstallation> {
  return findPostgres(major, {
    cacheDir: postgresCacheDir(),
    allowHost: false,
    // A first fetch takes long, and the person at the terminal should know.
    onProgress: (message) => console.error(message),
  });
}

/** Where fetched builds are kept for tests. */
export function postgresCacheDir(): string {
  return join(process.env.TIDEMARK_HOME ?? join(cloneRoot(), ".tidemark"), "cache", "postgres");
}

/** The folder of the clone, with the workspaces in it. */
export function cloneRoot(): string {
  let folder = resolve(import.meta.dirname);
  while (!existsSync(join(folder, "package-lock.json"))) folder = dirname(folder);
  return folder;
}
