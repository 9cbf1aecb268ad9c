import { parseRunRequest } from "@tidemark/jobs";
import type { Run } from "@tidemark/metadata";
import type { WorkerDeps } from "../worker-deps.ts";
import { isHere } from "./clone-facts.ts";

type HolderDeps = Pick<WorkerDeps, "metadata" | "settings">;

/** Of the worker that keeps a clone: it alone may touch the clone's files and server. */
export const cloneLeaseKey = (cloneId: string): string => `clone:${cloneId}`;

/**
 * Who has to act on a clone. `here`: this worker, or anybody, since there is nothing to touch; `elsewhere`: a worker of
 * its machine, which lives; `gone`: its machine has no worker that keeps it.
 */
export async function cloneHolder(deps: HolderDeps, cloneId: string): Promise<"here" | "elsewhere" | "gone"> {
  const { clones, leases, workers } = deps.metadata;
  const row = await clones.get(cloneId);
  if (row === null || row.endedAt !== null || row.path === null || (await isHere(deps, row))) return "here";
  if ((await leases.holder(cloneLeaseKey(cloneId))) !== null) return "elsewhere";
  const alive = (await workers.list()).some((worker) => worker.id === row.workerId && worker.alive);
  return alive ? "elsewhere" : "gone";
}

/** Leaves a run to the worker that holds its clone, and says so in its row. False: it is to be taken here. */
export async function isLeftToHolder(deps: HolderDeps, run: Run): Promise<boolean> {
  if (run.kind !== "clone-act") return false;
  const { cloneId } = parseRunRequest("clone-act", run.request);
  if ((await cloneHolder(deps, cloneId)) !== "elsewhere") return false;
  const row = await deps.metadata.clones.get(cloneId);
  await deps.metadata.runs.setWaiting(
    run.id,
    `waiting for the worker of ${row?.hostname ?? "its machine"}, which holds the clone`,
  );
  return true;
}
