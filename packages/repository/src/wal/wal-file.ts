import { AppError } from "@tidemark/kit";
import { magic, walVersion } from "../format.ts";
import { newSeal, type RepositoryContext, sealOf } from "../repository-context.ts";
import { damagedObject, decodePrefix, encodePrefix, prefixBytes } from "../seal/object-seal.ts";
import { openBox, sealBox } from "../seal/sealed-box.ts";
import { putOnce } from "./put-once.ts";
import { asWalDamage } from "./wal-errors.ts";

/** Histories and `.backup` files: a prefix and one box. `key` is where it lies, `name` what it is sealed for. */
export async function putWalFile(
  context: RepositoryContext,
  file: { readonly key: string; readonly name: string; readonly content: Uint8Array },
): Promise<"stored" | "same"> {
  const { key, name, content } = file;
  const seal = newSeal(context, key, walVersion);
  const box = sealBox(content, seal.part("fact", 0));
  const bytes = Buffer.concat([encodePrefix(magic.walFile, seal.facts, box.length), box]);
  await context.step("wal:before-file");
  const outcome = await putOnce(context, {
    key,
    name,
    publish: async (to) => {
      await context.store.put(to, bytes);
    },
    isSame: async (other) => {
      const stored = await readWalFile(context, other, key);
      return stored === null ? null : Buffer.compare(stored, content) === 0;
    },
  });
  await context.step("wal:after-file");
  return outcome;
}

/** Null: there is none. Throws `wal-damaged`. */
export async function readWalFile(
  context: RepositoryContext,
  key: string,
  sealedFor: string,
): Promise<Uint8Array | null> {
  try {
    const bytes = await context.store.get(key);
    const prefix = decodePrefix(bytes, key);
    if (prefix.firstBoxBytes !== bytes.length - prefixBytes)
      throw damagedObject(key, "it has another length than it says");
    const seal = sealOf(context, sealedFor, prefix, magic.walFile);
    return openBox(bytes.subarray(prefixBytes), seal.part("fact", 0));
  } catch (error) {
    if (error instanceof AppError && error.code === "object-missing") return null;
    throw asWalDamage(key, error);
  }
}
