import { AppError } from "@tidemark/kit";
import { JsonFields, jsonBytes } from "../bytes/json-fields.ts";
import { magic } from "../format.ts";
import { readManifestBeginning } from "../manifests/manifest-object.ts";
import { manifestKey } from "../paths.ts";
import { newSeal, type RepositoryContext, sealOf } from "../repository-context.ts";
import { decodePrefix, encodePrefix, prefixBytes } from "../seal/object-seal.ts";
import { openBox, sealBox } from "../seal/sealed-box.ts";

/**
 * Who claimed a key: the `collection`; the `writer` of that very backup, which gives up and removes its packs; or the id of
 * a later backup, which uses the packs the dead run left.
 */
export type ClaimedBy = string;

/** What became of a claim: it is ours, somebody else had it before, or the backup exists after all and is left alone. */
export type Claim = "claimed" | "claimed-before" | "committed";

/**
 * Claims the manifest key of a run that will not finish, by exclusive create: a writer that was only paused cannot commit
 * any more, and whoever removes or takes over its packs is the only one to do so.
 */
export async function revokeManifest(
  context: RepositoryContext,
  serverId: string,
  backupId: string,
  by: ClaimedBy,
): Promise<Claim> {
  const key = manifestKey(serverId, backupId);
  const seal = newSeal(context, key);
  const facts = { backupId, revokedAt: context.clock.now(), by };
  const box = sealBox(jsonBytes(facts), seal.part("fact", 0));
  // Where a store cannot refuse, what is there is at least not written over knowingly.
  if ((await context.store.stat(key)) === null) {
    try {
      await context.store.put(key, Buffer.concat([encodePrefix(magic.revoked, seal.facts, box.length), box]));
      return "claimed";
    } catch (error) {
      if (!(error instanceof AppError && error.code === "object-exists")) throw error;
    }
  }
  if ((await isRevoked(context, key)) === "committed") return "committed";
  // A claim of ours whose answer was lost, and which was then repeated.
  return (await readClaim(context, serverId, backupId)) === by ? "claimed" : "claimed-before";
}

/** Who claimed the key; null when nobody did, or it is not known (an older Tidemark's claim, or a damaged one). */
export async function readClaim(
  context: RepositoryContext,
  serverId: string,
  backupId: string,
): Promise<ClaimedBy | null> {
  const key = manifestKey(serverId, backupId);
  try {
    const bytes = await context.store.get(key);
    const seal = sealOf(context, key, decodePrefix(bytes, key), magic.revoked);
    return JsonFields.parse(openBox(bytes.subarray(prefixBytes), seal.part("fact", 0))).text("by");
  } catch (error) {
    if (error instanceof AppError && error.code !== "object-missing" && error.code !== "object-damaged") throw error;
    return null;
  }
}

/** Gives a key back that this writer itself claimed, once nothing of the run is left. Its manifest was never put. */
export async function giveUpClaim(context: RepositoryContext, serverId: string, backupId: string): Promise<void> {
  await context.store.delete(manifestKey(serverId, backupId));
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
    message: `${key} was claimed by a collection or a later backup that took this run for dead; the backup cannot be committed`,
    hint: "take the backup again; earlier backups are untouched",
    context: { key },
    cause,
  });
}
