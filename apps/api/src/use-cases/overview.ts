import type { FindingRow, Run } from "@tidemark/metadata";
import { canBeRestored, heroSentence } from "@tidemark/policy";
import type { Services } from "../services.ts";
import { standingsOf } from "./protection.ts";

/** What the first page says before anything else. */
export interface Overview {
  readonly sentence: string;
  readonly restorableServers: number;
  readonly totalServers: number;
  readonly lastProvenAt: Date | null;
  readonly needsYou: readonly FindingRow[];
  readonly running: readonly Run[];
}

export async function overviewOf(services: Services): Promise<Overview> {
  const { metadata, clock } = services;
  const [servers, needsYou, running] = await Promise.all([
    metadata.servers.all(),
    metadata.findings.open(),
    metadata.runs.unfinished(),
  ]);
  const now = clock.now();
  const standings = await standingsOf(metadata, servers, now);
  const seen = servers.map((server, index) => ({
    name: server.name,
    state: standings[index]?.protection.state ?? ("unknown" as const),
    lastProvenAt: standings[index]?.lastProven?.provenAt ?? null,
  }));
  const proofs = seen.flatMap((server) => (server.lastProvenAt === null ? [] : [server.lastProvenAt]));
  return {
    sentence: heroSentence(seen, now),
    restorableServers: seen.filter((server) => canBeRestored(server.state)).length,
    totalServers: servers.length,
    lastProvenAt: proofs.sort((left, right) => right.getTime() - left.getTime())[0] ?? null,
    needsYou,
    running,
  };
}
