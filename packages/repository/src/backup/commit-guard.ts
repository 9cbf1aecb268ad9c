import { AppError } from "@tidemark/kit";
import { isStoreTrouble } from "@tidemark/storage";
import { readManifestBeginning } from "../manifests/manifest-object.ts";
import { manifestKey, nameOf, packsPrefix } from "../paths.ts";
import type { RepositoryContext } from "../repository-context.ts";
import { manifestKeyTaken } from "./revocation.ts";

/**
 * Throws `pack-missing` when one of these packs is gone, the backup's own included: a collection that took this run for
 * dead may have removed what is referred to. Asked before the backup is promised.
 */
export async function assertPacksStay(
  context: RepositoryContext,
  serverId: string,
  packIds: Iterable<string>,
): Promise<void> {
  const needed = new Set(packIds);
  if (needed.size === 0) return;
  for await (const { key } of context.store.list(packsPrefix(serverId))) needed.delete(nameOf(key));
  const [missing] = needed;
  if (missing === undefined) return;
  throw new AppError("pack-missing", {
    message: `pack ${missing}, which this backup refers to, was removed meanwhile`,
    hint: "take the backup again; it will store what is missing",
    context: { packId: missing, missing: needed.size },
  });
}

/**
 * Throws `storage-failed` when a manifest whose put was answered is not there: nobody is told that a backup exists which does
 * not. A store that cannot be asked now has taken it, as far as anybody knows.
 */
export async function assertManifestStays(
  context: RepositoryContext,
  serverId: string,
  backupId: string,
): Promise<void> {
  const key = manifestKey(serverId, backupId);
  try {
    if ((await context.store.stat(key)) !== null) return;
  } catch (error) {
    if (isStoreTrouble(error)) return;
    throw error;
  }
  throw new AppError("storage-failed", {
    message: `${context.store.location} took the manifest of ${backupId} and does not have it`,
    hint: "there is no such backup; earlier ones are untouched; check the storage, then take the backup again",
    context: { backupId, key },
  });
}

/**
 * For a store that cannot refuse a second object of a key: a manifest put over a collection's claim counts only when it is
 * there still and so are its packs. One that does not count is removed before anybody is told that it exists.
 */
export async function confirmManifest(
  context: RepositoryContext,
  serverId: string,
  backupId: string,
  packIds: Iterable<string>,
): Promise<void> {
  const key = manifestKey(serverId, backupId);
  if ((await readManifestBeginning(context, key)).kind === "revoked")
    throw await manifestKeyTaken(context, key, undefined);
  try {
    await assertPacksStay(context, serverId, packIds);
  } catch (error) {
    if (error instanceof AppError && error.code === "pack-missing") await context.store.delete(key);
    throw error;
  }
}
