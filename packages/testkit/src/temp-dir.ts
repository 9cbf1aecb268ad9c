import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder of a test's own; `await using` removes it with all below it. */
export interface TempDir extends AsyncDisposable {
  readonly path: string;
  /** The path of `parts` below it. */
  join(...parts: readonly string[]): string;
}

/**
 * Makes a folder of the test's own. Run by root it can be passed (not listed) by other accounts, since PostgreSQL
 * servers run under one.
 */
export async function tempDir(name = "test"): Promise<TempDir> {
  const path = await mkdtemp(join(tmpdir(), `tidemark-${runMark()}-${name}-`));
  if (process.getuid?.() === 0) await chmod(path, 0o711);
  return {
    path,
    join: (...parts) => join(path, ...parts),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }),
  };
}

/** Marks the folders of one run of the tests (see leftovers.ts). */
export function runMark(): string {
  return process.env.TIDEMARK_TEST_RUN ?? "run";
}
