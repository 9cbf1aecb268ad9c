import { chown, mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AppError, type Clock, formatBytes, joinCleanup, makeFolders, systemErrorCode } from "@tidemark/kit";
import type { ManifestReader } from "@tidemark/repository";
import { type ActControl, reachStep } from "../act.ts";
import { removeSurplus, surveyTarget } from "./delta-survey.ts";
import { findDeltaObstacle } from "./delta-target.ts";
import type { RestorePlan } from "./plan-restore.ts";
import { controlPath, type RestorePlaces } from "./restore-places.ts";
import {
  clearUnfinished,
  inspectTargets,
  removeMark,
  syncDirectory,
  type TargetState,
  writeMark,
} from "./restore-target.ts";
import { findRunningServer } from "./running-server.ts";

export interface PrepareRequest {
  readonly manifest: ManifestReader;
  readonly plan: RestorePlan;
  readonly places: RestorePlaces;
  readonly control: ActControl;
  readonly clock: Clock;
}

/**
 * Makes the folders ready. The marks come first, in every folder, so that whatever follows is known to be unfinished.
 * A delta restore then takes `pg_control` away, before anything else is touched, and removes what the backup does not
 * have: from there on no server starts until the end has given `pg_control` back. Gives the number of entries removed.
 */
export async function prepareTarget(request: PrepareRequest): Promise<number> {
  const { plan, control } = request;
  const folders = foldersOf(plan);
  await reachStep(control, "restore:before-mark");
  if (plan.delta !== null) await refuseObstacle(plan);
  const states = await inspectTargets(folders);
  if (plan.delta === null && states[0]?.kind === "unfinished") await refuseRunning(plan.targetDirectory);
  const marked: string[] = [];
  for (const [index, state] of states.entries()) {
    if (await prepareFolder(request, folders, folders[index] ?? "", state)) marked.push(folders[index] ?? "");
  }
  if (plan.delta === null) return 0;
  await makeUnstartable(request, marked);
  await reachStep(control, "restore:before-remove");
  const { manifest, places } = request;
  const survey = await surveyTarget(manifest, plan.targetDirectory, plan.tablespaces, places, control.signal);
  if (survey.removed.length > 0) {
    const message = `removing ${survey.removed.length} files and folders that the backup does not have (${formatBytes(survey.removedBytes)})`;
    control.emit({ kind: "log", level: "info", message });
  }
  await removeSurplus(survey.removed, control.signal);
  return survey.removed.length;
}

/** The data directory first, then the tablespaces. */
export function foldersOf(plan: RestorePlan): readonly string[] {
  return [plan.targetDirectory, ...plan.tablespaces.map(({ to }) => to)];
}

async function refuseObstacle(plan: RestorePlan): Promise<void> {
  const obstacle = await findDeltaObstacle(plan.targetDirectory, plan.tablespaces, plan.facts);
  if (obstacle === null) return;
  throw new AppError(obstacle.code, { message: obstacle.sentence, hint: "nothing in it was touched" });
}

/** One that died between the last rename and its unmarking left a whole cluster, which somebody may have started since. */
async function refuseRunning(targetDirectory: string): Promise<void> {
  const running = await findRunningServer(targetDirectory);
  if (running === null) return;
  throw new AppError("target-in-use", {
    message: `${running}; it was started on what an earlier restore left`,
    hint: "nothing in it was touched; restore to another folder, or stop the server if what it holds may go",
  });
}

/** Whether the mark was made now. */
async function prepareFolder(
  { plan, control, clock }: PrepareRequest,
  folders: readonly string[],
  folder: string,
  state: TargetState,
): Promise<boolean> {
  const isDelta = plan.delta !== null;
  if (state.kind === "not-a-directory" || (state.kind === "occupied" && !isDelta)) {
    throw new AppError("target-not-empty", { message: `${folder} is not empty`, hint: "nothing in it was touched" });
  }
  await makeFolders(dirname(folder));
  if (state.kind === "absent") await mkdir(folder, { mode: 0o700 });
  // At once: a second attempt asks the folder whom the result shall belong to.
  if (plan.owner !== null) await chown(folder, plan.owner.uid, plan.owner.gid);
  const isMarked = state.kind === "unfinished" && state.isMarked;
  if (!isMarked) await writeMark(folder, plan.backupId, folders, clock.now());
  if (state.kind !== "unfinished" || isDelta) return !isMarked;
  await reachStep(control, "restore:before-clear");
  control.emit({ kind: "log", level: "info", message: `clearing the unfinished restore in ${folder}` });
  await clearUnfinished(folder);
  return !isMarked;
}

/**
 * Without `pg_control` no server starts (xlog.c, ReadControlFile). One that was started between the check and now has
 * read it already, so it is asked once more; then everything is as it was.
 */
async function makeUnstartable({ plan, places, control }: PrepareRequest, marked: readonly string[]): Promise<void> {
  await reachStep(control, "restore:before-unstartable");
  const path = places.below(controlPath);
  const aside = places.below(asidePath);
  try {
    await rename(path, aside);
  } catch (error) {
    // An unfinished restore has none.
    if (systemErrorCode(error) === "ENOENT") return;
    throw error;
  }
  const running = await findRunningServer(plan.targetDirectory);
  if (running !== null) {
    const refusal = new AppError("target-in-use", {
      message: `${running}; it was started while the restore began`,
      hint: "nothing was changed; stop the server and run the restore again",
    });
    throw await joinCleanup(refusal, async () => {
      await rename(aside, path);
      for (const folder of marked) await removeMark(folder);
    });
  }
  await rm(aside);
  await syncDirectory(join(plan.targetDirectory, "global"));
}

/** Where `pg_control` waits while it is asked once more whether a server runs; the backup knows no such file. */
const asidePath = "global/pg_control.tidemark-before";
