import type { Metadata, PolicyRow, Server } from "@tidemark/metadata";
import { type VerifyTurn, verifyTurn } from "@tidemark/policy";

/** How far the verification of everything is that a server's policy wants, in one of its repositories. */
export interface ServerVerification {
  readonly repositoryId: string;
  readonly days: number;
  readonly turn: VerifyTurn;
  readonly sentence: string;
}

/** By server id, the first repository first; one query for all of them, none where no policy wants it. */
export async function verificationsOf(
  metadata: Pick<Metadata, "runs">,
  servers: readonly Server[],
  policies: readonly PolicyRow[],
  now: Date,
): Promise<ReadonlyMap<string, readonly ServerVerification[]>> {
  const daysOf = new Map(policies.map(({ id, verifyDays }) => [id, verifyDays]));
  const wanting = servers.filter(({ policyId }) => daysOf.get(policyId) != null);
  const rows = wanting.length === 0 ? [] : await metadata.runs.verifiedParts(wanting.map(({ id }) => id));
  return new Map(
    wanting.map(({ id, policyId, repositoryId, copyToId }) => {
      const days = daysOf.get(policyId) ?? 1;
      const standing = (place: string): ServerVerification => {
        const parts = rows.filter((row) => row.serverId === id && row.repositoryId === place);
        const turn = verifyTurn({ days, parts, now });
        const sentence = place === repositoryId ? turn.sentence : `of the copies: ${turn.sentence}`;
        return { repositoryId: place, days, turn, sentence };
      };
      return [id, [repositoryId, ...(copyToId === null ? [] : [copyToId])].map(standing)];
    }),
  );
}
