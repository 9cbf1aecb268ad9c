import type { RunningCluster } from "@tidemark/local-postgres";

/** Lines of a server's log that are worth a screen when a test fails. */
const shownLines = 60;

/**
 * Arranges that the end of a server's log is printed when the running vitest test fails. Returns what keeps the log's
 * end before the server's files go; call it at disposal. Outside a vitest test (a hook, Playwright) it does nothing.
 */
export async function showLogOnFailure(name: string): Promise<(cluster: RunningCluster) => Promise<void>> {
  let kept = "";
  // Only inside vitest can it be imported at all.
  if (process.env.VITEST !== undefined) {
    const { onTestFailed } = await import("vitest");
    try {
      onTestFailed(() => console.error(`The log of ${name} ends:\n${kept}`));
    } catch {
      // Started in a hook, which belongs to no one test: whoever shares a server can print `cluster.readLog()`.
    }
  }
  return async (cluster) => {
    kept = (await cluster.readLog()).trimEnd().split("\n").slice(-shownLines).join("\n");
  };
}
