import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** For this package's own tests: the test kit stands on this package, so they cannot use it. */

/** The same cache as the test kit's, so that each build is fetched once per clone. */
export const cacheDir: string = join(
  process.env.TIDEMARK_HOME ?? resolve(import.meta.dirname, "../../../.tidemark"),
  "cache",
  "postgres",
);

/** A folder of the test's own that other accounts may pass. */
export async function scratchDir(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "tidemark-lp-"));
  await chmod(path, 0o711);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
