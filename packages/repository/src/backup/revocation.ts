import { AppError } from "@tidemark/kit";
import { jsonBytes } from "../bytes/json-fields.ts";
import { magic } from "../format.ts";
import { readManifestBeginning } from "../manifests/manifest-object.ts";
import { manifestKey } from "../paths.ts";
import { newSeal, type RepositoryContext } from "../repository-context.ts";
import { encodePrefix } from "../seal/object-seal.ts";
import { sealBox } from "../seal/sealed-box.ts";

/**
 * Claims the manifest key of a run that will not finish, by exclusive create: a writer that was only paused cannot
 * commit any more. Gives `revoked`, or `committed` when the backup exists after all and must be left alone.
 */
export async function revokeManifest(
  context: RepositoryContext,
  serverId: string,
  backupId: string,
): Promise<"revoked" | "committed"> {
  const key = manifestKey(serverId, backupId);
  const seal = newSeal(context, key);
  const box = sealBox(jsonBytes({ backupId, revokedAt: context.clock.now() }), seal.part("fact", 0));
  try {
    await context.store.put(key, Buffer.concat([encodePrefix(magic.revoked, seal.facts, box.length), box]));
    return "revoked";
  } catch (error) {
    if (!(error instanceof AppError && error.code === "object-exists")) throw error;
  }
  return isRevoked(context, key);
}

async function isRevoked(context: RepositoryContext, key: string): Promise<"revoked" | "committed"> {
  try {
    return (await readManifestBeginning(context, key)).kind === "revoked" ? "revoked" : "committed";
  } catch (error) {
    // Damaged, but it is there: it may be a manifest, and its packs stay.
    if (error instanceof AppError && error.code === "manifest-damaged") return "committed";
    throw error;
  }
}

/** What a second object under a manifest's key means for the one who wants to write it. */
export async function manifestKeyTaken(context: RepositoryContext, key: string, cause: unknown): Promise<AppError> {
  if ((await isRevoked(context, key)) === "committed") {
    return new AppError("object-exists", { message: `there is a backup ${key} already`, context: { key }, cause });
  }
  return new AppError("backup-revoked", {
    message: `${key} was claimed by a collection that took this run for dead; the backup cannot be committed`,
    hint: "take the backup again; earlier backups are untouched",
    context: { key },
    cause,
  });
}
