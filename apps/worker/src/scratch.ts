import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { cleanScratch } from "@tidemark/engine";
import type { WorkerSettings } from "./config.ts";
import type { WorkerDeps } from "./worker-deps.ts";

/** Where drills work; each has a folder named after its run. */
export function drillScratch(settings: Pick<WorkerSettings, "scratch">): string {
  return join(settings.scratch, "drills");
}

/** Where clones live; each has a folder named after it. */
export function cloneFolder(settings: Pick<WorkerSettings, "scratch">): string {
  return join(settings.scratch, "clones");
}

/** Makes the folders this worker keeps temporary data in. */
export async function prepareScratch(settings: Pick<WorkerSettings, "scratch">): Promise<void> {
  await mkdir(drillScratch(settings), { recursive: true, mode: 0o700 });
  await mkdir(cloneFolder(settings), { recursive: true, mode: 0o700 });
}

/** Stops and throws away what drills left that do not run any more, here or (on a shared folder) anywhere. */
export async function clearDeadDrills(deps: Pick<WorkerDeps, "metadata" | "settings" | "logger">): Promise<void> {
  const removed = await cleanScratch(drillScratch(deps.settings), async () => {
    const unfinished = await deps.metadata.runs.unfinished();
    return unfinished.filter((run) => run.kind === "drill").map((run) => run.id);
  });
  if (removed.length > 0) deps.logger.info({ drills: removed }, "removed what dead drills had left");
}
