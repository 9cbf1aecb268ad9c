import { access, mkdir, open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { parsePgControl } from "@tidemark/postgres";
import type { RestorePlan } from "../restore/plan-restore.ts";
import { type RestorePlaces, stagedControlPath } from "../restore/restore-places.ts";
import { syncDirectory } from "../restore/restore-target.ts";
import { type ComposedFile, composeConfiguration, originalsFolder } from "./compose-configuration.ts";

/**
 * Writes the configuration the plan says is missing, owned and durable, and gives the files for `backup_manifest`. The
 * data must be there: the limits are those of the restored `pg_control`.
 */
export async function writeConfiguration(plan: RestorePlan, places: RestorePlaces): Promise<readonly ComposedFile[]> {
  if (plan.missingConfiguration.length === 0) return [];
  const control = parsePgControl(await readFile(places.below(stagedControlPath)));
  // A server that was itself restored so holds the originals of its source.
  const isTaken = await access(places.below(originalsFolder)).then(
    () => true,
    () => false,
  );
  const folder = isTaken ? `${originalsFolder}-${plan.backupId}` : originalsFolder;
  const files = composeConfiguration(plan.backupId, plan.facts, plan.missingConfiguration, control, folder);
  const folders = new Set<string>();
  for (const file of files) {
    for (let folder = dirname(file.path); folder !== "."; folder = dirname(folder)) folders.add(folder);
  }
  // A folder before those in it, and durable after what it holds.
  const ordered = [...folders].sort();
  const { dataDirectoryMode } = plan.facts;
  for (const folder of ordered) await mkdir(places.below(folder), { recursive: true, mode: dataDirectoryMode });
  for (const file of files) await writeFile(plan, places.below(file.path), file.bytes);
  for (const folder of ordered.reverse()) await ownFolder(plan, places.below(folder));
  return files;
}

async function writeFile(plan: RestorePlan, place: Buffer, bytes: Buffer): Promise<void> {
  const handle = await open(place, "wx", 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.chmod(plan.facts.dataDirectoryMode & 0o640);
    if (plan.owner !== null) await handle.chown(plan.owner.uid, plan.owner.gid);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function ownFolder(plan: RestorePlan, place: Buffer): Promise<void> {
  const handle = await open(place, "r");
  try {
    await handle.chmod(plan.facts.dataDirectoryMode);
    if (plan.owner !== null) await handle.chown(plan.owner.uid, plan.owner.gid);
  } finally {
    await handle.close();
  }
  await syncDirectory(place);
}
