import { endChildren, endClusters, readRoll } from "./process-roll.ts";

/**
 * A process of its own that waits for the supervisor to go. After an orderly stop there is nothing left to end; after
 * `kill -9` it ends what outlived it: the children first, then our PostgreSQL servers, so that nothing runs on
 * unattended. The next start ends this process before it does anything else.
 */
const home = process.argv[2];
if (home === undefined) throw new Error("the watcher is started with the home's path");

process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => undefined);
process.once("disconnect", () => {
  void clearUp(home);
});

async function clearUp(root: string): Promise<void> {
  const roll = await readRoll(root);
  // The next start put itself in our place already.
  if (roll.watcher !== null && roll.watcher.pid !== process.pid) return;
  await endChildren(roll, graceMs);
  await endClusters(roll);
}

/** Running acts get ten seconds to finish or to end as interrupted; a little longer than that. */
const graceMs = 14_000;
