import { open, rm } from "node:fs/promises";
import type { ComposedFile } from "../restored-configuration/compose-configuration.ts";
import type { RestorePlan } from "./plan-restore.ts";
import { describeChoice } from "./restore-databases.ts";
import { partialRestorePath, type RestorePlaces } from "./restore-places.ts";

/**
 * Leaves a file in the data directory that says which databases are whole and which are empty, for whoever looks at it
 * later without knowing how it came about. Null when all of them are whole.
 */
export async function writePartialNote(plan: RestorePlan, places: RestorePlaces): Promise<ComposedFile | null> {
  const sentence = describeChoice(plan.databases);
  if (sentence === null) return null;
  const emptied = plan.databases?.emptied ?? [];
  const text = [
    `Restored by Tidemark from backup ${plan.backupId} of ${plan.serverName}: ${sentence}.`,
    "",
    ...emptied.map(({ oid, name }) => `empty: ${name} (OID ${oid})`),
    "",
  ].join("\n");
  const bytes = Buffer.from(text);
  const place = places.below(partialRestorePath);
  await rm(place, { force: true });
  const handle = await open(place, "wx", 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.chmod(plan.facts.dataDirectoryMode & 0o640);
    if (plan.owner !== null) await handle.chown(plan.owner.uid, plan.owner.gid);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { path: partialRestorePath, bytes };
}
