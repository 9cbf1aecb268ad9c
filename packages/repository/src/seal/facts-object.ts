import { AppError } from "@tidemark/kit";
import { JsonFields, jsonBytes } from "../bytes/json-fields.ts";
import { magic } from "../format.ts";
import { newSeal, type RepositoryContext, sealOf } from "../repository-context.ts";
import { damagedObject, decodePrefix, encodePrefix, prefixBytes } from "./object-seal.ts";
import { openBox, sealBox } from "./sealed-box.ts";

/** Small facts as objects: marks, leases, collection passes. A prefix and one box of JSON. */
export async function putFacts(context: RepositoryContext, key: string, facts: unknown): Promise<void> {
  const seal = newSeal(context, key);
  const box = sealBox(jsonBytes(facts), seal.part("fact", 0));
  const prefix = encodePrefix(magic.fact, seal.facts, box.length);
  await context.store.put(key, Buffer.concat([prefix, box]));
}

/** Null when there is no such object. Throws `object-damaged`. */
export async function getFacts<T>(
  context: RepositoryContext,
  key: string,
  read: (fields: JsonFields) => T,
): Promise<T | null> {
  let bytes: Uint8Array;
  try {
    bytes = await context.store.get(key);
  } catch (error) {
    if (error instanceof AppError && error.code === "object-missing") return null;
    throw error;
  }
  const prefix = decodePrefix(bytes, key);
  if (prefix.firstBoxBytes !== bytes.length - prefixBytes)
    throw damagedObject(key, "it has another length than it says");
  const seal = sealOf(context, key, prefix, magic.fact);
  try {
    return read(JsonFields.parse(openBox(bytes.subarray(prefixBytes), seal.part("fact", 0))));
  } catch (cause) {
    throw damagedObject(key, cause instanceof Error ? cause.message : String(cause), cause);
  }
}
