import { AppError } from "@tidemark/kit";
import { asText, JsonFields } from "../bytes/json-fields.ts";
import { marksPrefix } from "../paths.ts";
import type { RepositoryContext } from "../repository-context.ts";
import { getFacts, putFacts } from "../seal/facts-object.ts";

/** What one pass of the collection saw: the dead packs, and since which pass each has been dead without a break. */
export interface CollectionPass {
  readonly at: Date;
  /** Null in passes of an older Tidemark. */
  readonly graceMs: number | null;
  readonly deadSince: ReadonlyMap<string, Date>;
  /** Packs the next backup is to leave empty (`chooseEvacuation`). */
  readonly evacuate: readonly string[];
  /** Frames of each pack, so that no pack has to be asked twice. */
  readonly shapes: ReadonlyMap<string, PackShape>;
}

export interface PackShape {
  readonly frames: number;
  /** Stored bytes of all frames; the rest of the pack is its head, directory and trailer. */
  readonly frameBytes: number;
}

/** Stands where the backup's id is in the keys of its marks. */
export const aboutCollection = "collection";

/** Gives the key of the pass. */
export async function putPass(context: RepositoryContext, serverId: string, pass: CollectionPass): Promise<string> {
  const key = `${marksPrefix(serverId, aboutCollection)}${context.newId("mark")}`;
  const packs = [...pass.deadSince].map(([packId, since]) => ({ packId, since: since.toISOString() }));
  const shapes = [...pass.shapes].map(([packId, { frames, frameBytes }]) => [packId, frames, frameBytes]);
  await putFacts(context, key, { at: pass.at, graceMs: pass.graceMs, packs, evacuate: pass.evacuate, shapes });
  return key;
}

export interface KnownPasses {
  /** The newest by its own time, or null before the first. */
  readonly latest: CollectionPass | null;
  readonly keys: readonly string[];
}

export async function readPasses(context: RepositoryContext, serverId: string): Promise<KnownPasses> {
  let latest: CollectionPass | null = null;
  const keys: string[] = [];
  for await (const { key } of context.store.list(marksPrefix(serverId, aboutCollection))) {
    keys.push(key);
    const pass = await readPass(context, key);
    if (pass !== null && (latest === null || pass.at >= latest.at)) latest = pass;
  }
  return { latest, keys };
}

/** One that is damaged counts as none: what it knew is found out again, a grace period later. */
async function readPass(context: RepositoryContext, key: string): Promise<CollectionPass | null> {
  try {
    return await getFacts(context, key, decodePass);
  } catch (error) {
    if (error instanceof AppError && error.code === "object-damaged") return null;
    throw error;
  }
}

export async function latestPass(context: RepositoryContext, serverId: string): Promise<CollectionPass | null> {
  return (await readPasses(context, serverId)).latest;
}

/**
 * Packs that may go soon: a pass has named them dead for longer than half the grace period. Whoever takes up packs that no
 * manifest points into (a retry, a copy) leaves these alone. A collection removes a pack only when it surveyed the area a
 * whole grace period after the pack was first named; so whoever took it up before was at work, with a lease, half a grace
 * period before that survey, and was seen. That holds however long the collection is paused between survey and removal.
 */
export async function doomedPacks(context: RepositoryContext, serverId: string): Promise<ReadonlySet<string>> {
  const pass = await latestPass(context, serverId);
  if (pass === null) return new Set();
  const limitMs = (pass.graceMs ?? 0) / 2;
  const nowMs = context.clock.now().getTime();
  return new Set([...pass.deadSince].flatMap(([packId, since]) => (nowMs - since.getTime() > limitMs ? packId : [])));
}

function decodePass(fields: JsonFields): CollectionPass {
  const packs = fields.list("packs", (item) => {
    const pack = new JsonFields(item);
    return [asText(pack.text("packId")), pack.date("since")] as const;
  });
  return {
    at: fields.date("at"),
    graceMs: fields.isNull("graceMs") ? null : fields.number("graceMs"),
    deadSince: new Map(packs),
    evacuate: fields.isNull("evacuate") ? [] : fields.list("evacuate", asText),
    shapes: new Map(fields.isNull("shapes") ? [] : fields.list("shapes", decodeShape)),
  };
}

function decodeShape(item: unknown): readonly [string, PackShape] {
  if (!Array.isArray(item)) throw new TypeError("the shape of a pack is no list");
  const [packId, frames, frameBytes] = item as readonly unknown[];
  if (typeof frames !== "number" || typeof frameBytes !== "number")
    throw new TypeError("the shape of a pack is damaged");
  return [asText(packId), { frames, frameBytes }];
}
