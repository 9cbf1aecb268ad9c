import { asText, JsonFields } from "../bytes/json-fields.ts";
import { marksPrefix } from "../paths.ts";
import type { RepositoryContext } from "../repository-context.ts";
import { getFacts, putFacts } from "../seal/facts-object.ts";

/** What one pass of the collection saw: the dead packs, and since which pass each has been dead without a break. */
export interface CollectionPass {
  readonly at: Date;
  readonly deadSince: ReadonlyMap<string, Date>;
}

/** Stands where the backup's id is in the keys of its marks. */
export const aboutCollection = "collection";

/** Gives the key of the pass. */
export async function putPass(context: RepositoryContext, serverId: string, pass: CollectionPass): Promise<string> {
  const key = `${marksPrefix(serverId, aboutCollection)}${context.newId("mark")}`;
  const packs = [...pass.deadSince].map(([packId, since]) => ({ packId, since: since.toISOString() }));
  await putFacts(context, key, { at: pass.at, packs });
  return key;
}

/** The newest pass by its own time, or null before the first. */
export async function latestPass(context: RepositoryContext, serverId: string): Promise<CollectionPass | null> {
  let latest: CollectionPass | null = null;
  for await (const { key } of context.store.list(marksPrefix(serverId, aboutCollection))) {
    const pass = await getFacts(context, key, decodePass);
    if (pass !== null && (latest === null || pass.at >= latest.at)) latest = pass;
  }
  return latest;
}

/** Earlier passes say nothing the newest does not. */
export async function removePassesBefore(context: RepositoryContext, serverId: string, keep: string): Promise<void> {
  for await (const { key } of context.store.list(marksPrefix(serverId, aboutCollection))) {
    if (key !== keep) await context.store.delete(key);
  }
}

function decodePass(fields: JsonFields): CollectionPass {
  const packs = fields.list("packs", (item) => {
    const pack = new JsonFields(item);
    return [asText(pack.text("packId")), pack.date("since")] as const;
  });
  return { at: fields.date("at"), deadSince: new Map(packs) };
}
