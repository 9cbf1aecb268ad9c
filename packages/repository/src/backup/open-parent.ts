import type { AppError } from "@tidemark/kit";
import { isLostManifest, ManifestObject } from "../manifests/manifest-object.ts";
import { ParentIndex } from "../manifests/parent-index.ts";
import { assertId, manifestKey, nameOf, packsPrefix } from "../paths.ts";
import type { RepositoryContext } from "../repository-context.ts";
import type { BeginBackup } from "../types.ts";

/** The backup whose stored bytes may stand for what is the same in the new one. */
export interface UsableParent {
  readonly index: ParentIndex | null;
  /** Why it cannot be read, or null. */
  readonly problem: AppError | null;
  /** Packs that are there now; what a lost pack held is stored again. */
  readonly packIds: ReadonlySet<string>;
  /** Whether a pack is there and not to be avoided. */
  readonly isUsable: (packId: string) => boolean;
  /** The size of the server's blocks, and the numbers of the packs that are not usable. Null with `index`. */
  readonly blockSize: number;
  readonly lostPackNumbers: ReadonlySet<number>;
}

/** A parent that is lost is a value: what it could have saved is stored. "Could not ask" is thrown. */
export async function openParent(
  context: RepositoryContext,
  serverId: string,
  parentId: string,
  { avoidPackIds }: Pick<BeginBackup, "avoidPackIds">,
): Promise<UsableParent> {
  assertId(parentId, "backup id");
  const packIds = new Set<string>();
  for await (const { key } of context.store.list(packsPrefix(serverId))) packIds.add(nameOf(key));
  const isUsable = (packId: string): boolean => packIds.has(packId) && avoidPackIds?.has(packId) !== true;
  try {
    const manifest = await ManifestObject.open(context, manifestKey(serverId, parentId));
    const index = await ParentIndex.build(manifest);
    const lostPackNumbers = new Set<number>();
    for (const [number, packId] of manifest.packIds.entries()) if (!isUsable(packId)) lostPackNumbers.add(number);
    return { index, packIds, isUsable, problem: null, blockSize: manifest.header.facts.blockSize, lostPackNumbers };
  } catch (error) {
    if (!isLostManifest(error)) throw error;
    return { index: null, packIds, isUsable, problem: error, blockSize: 0, lostPackNumbers: new Set() };
  }
}
