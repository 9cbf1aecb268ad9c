import { AppError } from "@tidemark/kit";
import type { ObjectStore } from "@tidemark/storage";
import { documentKey, keysPrefix } from "../paths.ts";
import { decodePrefix, prefixBytes } from "../seal/object-seal.ts";

/**
 * The first object found that is sealed with the data key, or null. An object that cannot be told counts as one: a key is
 * given up only when it is certain that nothing needs it. A lease counts too: its writer may seal with the key it opened
 * the repository with.
 */
export async function findUseOfKey(store: ObjectStore, keyId: string): Promise<string | null> {
  for await (const { key, sizeBytes } of store.list("")) {
    if (key === documentKey || key.startsWith(keysPrefix)) continue;
    if (key.split("/")[1] === "leases" || sizeBytes < prefixBytes) return key;
    const found = await keyIdOf(store, key);
    if (found === keyId || found === undefined) return key;
  }
  return null;
}

/** Null: gone since it was listed. Undefined: it cannot be told. */
async function keyIdOf(store: ObjectStore, key: string): Promise<string | null | undefined> {
  try {
    return decodePrefix(await store.get(key, { range: { offset: 0, length: prefixBytes } }), key).keyId;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    if (error.code === "object-missing") return null;
    if (error.code === "object-damaged" || error.code === "repository-format-newer") return undefined;
    throw error;
  }
}
