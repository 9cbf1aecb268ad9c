import { AppError } from "@tidemark/kit";
import { asText, JsonFields } from "../bytes/json-fields.ts";
import { marksPrefix, nameOf } from "../paths.ts";
import type { RepositoryContext } from "../repository-context.ts";
import { getFacts, putFacts } from "../seal/facts-object.ts";

/** `stored`: the bytes of its frames are those that were stored. `whole`: they were also opened, and hold what they shall. */
export type VerifiedTier = "stored" | "whole";

/** What one verification found in some packs: a small fact (docs/repository-format.md, "Small facts"). */
export interface VerificationFact {
  readonly at: Date;
  readonly by: string;
  readonly tier: VerifiedTier;
  /** Packs all of whose frames were right. */
  readonly soundPackIds: readonly string[];
  readonly damagedPacks: readonly DamagedPack[];
}

export interface DamagedPack {
  readonly packId: string;
  /** Frames found damaged; empty when the pack is missing or cannot be read at all. */
  readonly frameIndexes: readonly number[];
  readonly reason: string;
}

/** The newest that is known of a pack at a tier. */
export interface PackVerification {
  readonly packId: string;
  readonly tier: VerifiedTier;
  readonly at: Date;
  /** Null: sound. */
  readonly damage: string | null;
}

/** Stands where the backup's id is in the keys of its marks. */
export const aboutVerification = "verification";

/** Writes what was found, in facts of a bounded size, and removes older ones that say nothing new any more. */
export async function putVerification(
  context: RepositoryContext,
  serverId: string,
  fact: VerificationFact,
): Promise<void> {
  const prefix = marksPrefix(serverId, aboutVerification);
  const { at, by, tier } = fact;
  const packs = [...fact.soundPackIds.map((packId) => ({ packId })), ...fact.damagedPacks];
  for (let from = 0; from < packs.length; from += packsPerFact) {
    const some = packs.slice(from, from + packsPerFact);
    const sound = some.flatMap((pack) => ("reason" in pack ? [] : pack.packId));
    const damaged = some.filter((pack) => "reason" in pack);
    await context.step("verification:before-put");
    await putFacts(context, `${prefix}${context.newId("mark")}`, { at, by, tier, sound, damaged });
  }
  await removeSuperseded(context, serverId);
}

/** The newest result of each pack and tier, in no order. */
export async function readVerifications(
  context: RepositoryContext,
  serverId: string,
): Promise<readonly PackVerification[]> {
  return [...newestOf(await readFacts(context, serverId)).values()].map(({ verification }) => verification);
}

interface StoredFact extends VerificationFact {
  readonly key: string;
}

interface Newest {
  readonly verification: PackVerification;
  readonly key: string;
}

/** A fact that cannot be read tells nothing; what it told will be verified again. */
async function readFacts(context: RepositoryContext, serverId: string): Promise<readonly StoredFact[]> {
  const facts: StoredFact[] = [];
  for await (const { key } of context.store.list(marksPrefix(serverId, aboutVerification))) {
    try {
      const fact = await getFacts(context, key, decodeFact);
      if (fact !== null) facts.push({ key, ...fact });
    } catch (error) {
      if (!(error instanceof AppError && error.code === "object-damaged")) throw error;
    }
  }
  return facts.sort((a, b) => a.at.getTime() - b.at.getTime() || (nameOf(a.key) < nameOf(b.key) ? -1 : 1));
}

function newestOf(facts: readonly StoredFact[]): ReadonlyMap<string, Newest> {
  const newest = new Map<string, Newest>();
  const note = (packId: string, fact: StoredFact, damage: string | null): void => {
    const { tier, at, key } = fact;
    newest.set(`${tier} ${packId}`, { verification: { packId, tier, at, damage }, key });
  };
  for (const fact of facts) {
    for (const packId of fact.soundPackIds) note(packId, fact, null);
    for (const { packId, reason } of fact.damagedPacks) note(packId, fact, reason);
  }
  return newest;
}

async function removeSuperseded(context: RepositoryContext, serverId: string): Promise<void> {
  const facts = await readFacts(context, serverId);
  const needed = new Set([...newestOf(facts).values()].map(({ key }) => key));
  for (const { key } of facts) {
    if (needed.has(key)) continue;
    await context.step("verification:before-remove");
    await context.store.delete(key);
    await context.step("verification:after-remove");
  }
}

function decodeFact(fields: JsonFields): VerificationFact {
  const tier = fields.text("tier");
  if (tier !== "stored" && tier !== "whole") throw new TypeError(`a verification of tier ${tier} is unknown`);
  return {
    at: fields.date("at"),
    by: fields.text("by"),
    tier,
    soundPackIds: fields.list("sound", asText),
    damagedPacks: fields.list("damaged", (item) => {
      const pack = new JsonFields(item);
      return {
        packId: pack.text("packId"),
        frameIndexes: pack.list("frameIndexes", Number),
        reason: pack.text("reason"),
      };
    }),
  };
}

/** About 130 KiB of ids. */
const packsPerFact = 4000;
