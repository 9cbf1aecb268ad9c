import { AppError } from "@tidemark/kit";
import type { RepositoryContext } from "../repository-context.ts";
import { walConflict } from "./wal-errors.ts";

/** What is to be stored under a name for ever. */
export interface OnceObject {
  /** Its key in a store that creates exclusively. */
  readonly key: string;
  /** For messages. */
  readonly name: string;
  /** Makes it durable under a key; throws `object-exists`. */
  readonly publish: (key: string) => Promise<void>;
  /** Whether what lies under a key, whole, is the same; null: there is none. */
  readonly isSame: (key: string) => Promise<boolean | null>;
}

/**
 * Stores an object that may be there already, and never writes over another. A store that refuses a second object of a key
 * does that itself. In one that cannot, each object gets a key of its own below the name, so that nothing is ever lost:
 * whoever finds another's beside theirs compares, and who differs takes back their own and says so. Two that are put in the same
 * instant by writers that differ may both be taken back, or, where listings are late, both stay; then reading says so.
 */
export async function putOnce(context: RepositoryContext, object: OnceObject): Promise<"stored" | "same"> {
  const { key, name, publish } = object;
  for (const earlier of await storedKeys(context, key, { beside: true })) {
    const same = await object.isSame(earlier);
    if (same === true) return await sameAs(context, earlier);
    if (same === false) throw walConflict(name, "they were stored before");
  }
  if (await context.store.createsExclusively()) {
    try {
      await publish(key);
      return "stored";
    } catch (error) {
      if (!(error instanceof AppError && error.code === "object-exists")) throw error;
      const same = await object.isSame(key);
      if (same === true) return await sameAs(context, key);
      throw same === false ? walConflict(name, "they were stored before") : error;
    }
  }
  return putBeside(context, object);
}

async function putBeside(
  context: RepositoryContext,
  { key, name, publish, isSame }: OnceObject,
): Promise<"stored" | "same"> {
  const own = `${key}/${Buffer.from(context.randomBytes(8)).toString("hex")}`;
  await publish(own);
  for (const other of await storedKeys(context, key, { beside: true })) {
    if (other === own) continue;
    const same = await isSame(other);
    if (same === false) {
      await context.store.delete(own);
      throw walConflict(name, "somebody stored them at the same time");
    }
    // Of two that are the same the one that sorts first stays, whoever looks.
    if (same === true && other < own) {
      await context.store.delete(own);
      return await sameAs(context, other);
    }
  }
  return "stored";
}

/** Whoever stored it may have died before it lasted: who is told "same" forgets its own. */
async function sameAs(context: RepositoryContext, key: string): Promise<"same"> {
  await context.store.settle?.(key);
  return "same";
}

/**
 * The keys under which something is stored for a name: its own, or, from a store that cannot create exclusively, any below it. `beside`: only
 * those are looked for (in a store that creates exclusively, the name's own says so itself when it is put).
 */
export async function storedKeys(
  context: RepositoryContext,
  key: string,
  options: { readonly beside?: boolean } = {},
): Promise<readonly string[]> {
  const found: string[] = [];
  const looksBeside = options.beside === true && (await context.store.createsExclusively());
  if (!looksBeside && (await context.store.stat(key)) !== null) found.push(key);
  for await (const facts of context.store.list(`${key}/`)) found.push(facts.key);
  return found;
}
