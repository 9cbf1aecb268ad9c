import { AppError } from "@tidemark/kit";
import { healingKey, healingPrefix, manifestKey, nameOf } from "../paths.ts";
import type { RepositoryContext } from "../repository-context.ts";
import { putFacts } from "../seal/facts-object.ts";
import { contextOf } from "../server-area.ts";
import type { ServerArea } from "../types.ts";
import { type CopiedBackup, copyBackup } from "./copy-backup.ts";
import { checkManifest } from "./copy-manifest.ts";

/**
 * Brings a manifest that cannot be read back from another repository that has it whole, with the packs it needs.
 *
 * Order for the crash: objects are never overwritten, so the damaged manifest has to go before the whole one is put. Who dies
 * in between leaves a backup that nobody lists and that looks deleted; the note put before says that it is not, and the
 * next healing (`unfinishedHealings`) ends it. Throws `manifest-missing` or `manifest-damaged` when the other one cannot give
 * it either; nothing was changed then.
 */
export async function healManifest(
  damaged: ServerArea,
  from: ServerArea,
  backupId: string,
  signal?: AbortSignal,
): Promise<CopiedBackup> {
  const target = contextOf(damaged);
  await checkManifest(contextOf(from), manifestKey(from.serverId, backupId));
  await target.step("heal:before-note");
  await noteHealing(target, damaged.serverId, backupId);
  await target.step("heal:after-note");
  const healed = await copyBackup({
    source: from,
    target: damaged,
    backupId,
    ...(signal === undefined ? {} : { signal }),
  });
  await target.step("heal:before-forget");
  await target.store.delete(healingKey(damaged.serverId, backupId));
  return healed;
}

/** Backups whose healing was begun and not ended: they may be listed or not, and were not deleted. */
export async function unfinishedHealings(area: ServerArea): Promise<readonly string[]> {
  const backupIds: string[] = [];
  for await (const { key } of contextOf(area).store.list(healingPrefix(area.serverId))) backupIds.push(nameOf(key));
  return backupIds.sort();
}

async function noteHealing(context: RepositoryContext, serverId: string, backupId: string): Promise<void> {
  try {
    await putFacts(context, healingKey(serverId, backupId), { backupId, at: context.clock.now() });
  } catch (error) {
    // The note of a healing that died.
    if (!(error instanceof AppError && error.code === "object-exists")) throw error;
  }
}
