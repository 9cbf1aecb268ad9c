import { chmod, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
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
    [Symbol.asyncDispose]: async () => {
      await rm(path, { recursive: true, force: true, maxRetries: 3 });
      await removeStandIns(path);
    },
  };
}

/**
 * Removes what stands in for folders below `path` that were closed to the servers' account (see placeForServer of
 * packages/local-postgres, which says in STANDS-FOR what a stand-in is for).
 */
async function removeStandIns(path: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  for (const parent of ["/var/lib", tmpdir()]) {
    for (const name of await readdir(parent)) {
      if (!/^tidemark-[0-9a-f]{12}$/.test(name)) continue;
      const closed = await readFile(join(parent, name, "STANDS-FOR"), "utf8").catch(() => "");
      if (closed === `${path}\n` || closed.startsWith(`${path}/`)) {
        await rm(join(parent, name), { recursive: true, force: true });
      }
    }
  }
}

/** Marks the folders of one run of the tests (see leftovers.ts). */
export function runMark(): string {
  return process.env.TIDEMARK_TEST_RUN ?? "run";
}
