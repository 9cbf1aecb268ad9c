import { formatAge } from "@tidemark/kit";
import { canBeRestored, type ProtectionState } from "./protection-state.ts";

export interface HeroServer {
  readonly name: string;
  readonly state: ProtectionState;
  readonly lastProvenAt: Date | null;
}

/**
 * The first sentence of the home page: `1 of 1 servers can be restored; last proven 3 min ago`, and who needs attention.
 * With several servers the proof that counts is the newest; those never proven are counted beside it.
 */
export function heroSentence(servers: readonly HeroServer[], now: Date): string {
  if (servers.length === 0) return "No server is registered yet";
  const restorable = servers.filter((server) => canBeRestored(server.state)).length;
  return [
    `${restorable} of ${servers.length} servers can be restored`,
    proofPart(servers, now),
    ...attentionPart(servers),
  ].join("; ");
}

function proofPart(servers: readonly HeroServer[], now: Date): string {
  const proofs = servers.flatMap((server) => (server.lastProvenAt === null ? [] : [server.lastProvenAt.getTime()]));
  if (proofs.length === 0) return "none proven yet";
  const last = `last proven ${formatAge(now.getTime() - Math.max(...proofs))} ago`;
  return proofs.length === servers.length ? last : `${last}, ${servers.length - proofs.length} never`;
}

function attentionPart(servers: readonly HeroServer[]): readonly string[] {
  const names = servers.filter((server) => needsAttention(server.state)).map((server) => server.name);
  if (names.length === 0) return [];
  const shown = names.slice(0, namesShown).join(", ");
  const more = names.length > namesShown ? ` and ${names.length - namesShown} more` : "";
  return [`${shown}${more} ${names.length === 1 ? "needs" : "need"} attention`];
}

function needsAttention(state: ProtectionState): boolean {
  return state !== "protected" && state !== "unproven";
}

const namesShown = 3;
