import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { waitFor } from "@tidemark/testkit";

/** Tells the worker's test hook at which steps an act shall stand still, and lets it go on. */
export interface KillOrder {
  readonly environment: Readonly<Record<string, string>>;
  /** From now on the act stands still at each of these steps. */
  stopAt(steps: readonly string[]): void;
  /** The step at which it stands still, or null. */
  reached(): string | null;
  /** Waits until it stands still at this step. */
  untilReached(step: string): Promise<void>;
  /** Lets it go on; it stands still again at the steps that are left in the order. */
  release(): void;
  /** No step counts any more, and whatever stands still goes on. */
  clear(): void;
}

export function createKillOrder(paths: { readonly order: string; readonly mark: string }): KillOrder {
  const order: KillOrder = {
    environment: {
      TIDEMARK_TEST_HOOKS: "1",
      TIDEMARK_KILL_AT: `file:${paths.order}`,
      TIDEMARK_KILL_MARK: paths.mark,
      TIDEMARK_KILL_MODE: "wait",
    },
    stopAt(steps) {
      // By renaming: the hook reads either the old order or the new one.
      writeFileSync(`${paths.order}.new`, steps.join("\n"));
      renameSync(`${paths.order}.new`, paths.order);
    },
    reached() {
      if (!existsSync(paths.mark)) return null;
      const text = readFileSync(paths.mark, "utf8");
      if (!text.endsWith("\n")) return null;
      const lines = text.trimEnd().split("\n");
      if (lines.length !== 1) throw new Error(`the act stands still at several steps at once: ${lines.join(", ")}`);
      return text.split(" ")[0] ?? null;
    },
    async untilReached(step) {
      await waitFor(() => order.reached() === step, { what: `the act to reach ${step}`, timeoutMs: 60_000 });
    },
    release: () => rmSync(paths.mark, { force: true }),
    clear() {
      order.stopAt([]);
      order.release();
    },
  };
  return order;
}
