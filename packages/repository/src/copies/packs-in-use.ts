import { isLostManifest, ManifestObject } from "../manifests/manifest-object.ts";
import { backupsPrefix } from "../paths.ts";
import type { RepositoryContext } from "../repository-context.ts";

/** The packs that manifests point into. A manifest that cannot be read uses none: nothing can be built on what it says. */
export async function readPacksInUse(context: RepositoryContext, serverId: string): Promise<ReadonlySet<string>> {
  const packIds = new Set<string>();
  for await (const { key } of context.store.list(backupsPrefix(serverId))) {
    try {
      for (const packId of (await ManifestObject.open(context, key)).packIds) packIds.add(packId);
    } catch (error) {
      if (!isLostManifest(error)) throw error;
    }
  }
  return packIds;
}
