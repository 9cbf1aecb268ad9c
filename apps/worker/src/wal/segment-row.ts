import type { NewWalSegment, Server } from "@tidemark/metadata";
import type { WalSegmentDescription } from "@tidemark/repository";

/** A segment's row from what the end of the stored segment says. */
export function segmentRow(
  about: {
    readonly server: Pick<Server, "id">;
    readonly repositoryId: string;
    readonly systemIdentifier: bigint;
    readonly source?: NewWalSegment["source"];
  },
  { place, storedBytes, facts }: WalSegmentDescription,
): NewWalSegment {
  return {
    serverId: about.server.id,
    repositoryId: about.repositoryId,
    systemIdentifier: String(about.systemIdentifier),
    timeline: place.timeline,
    startLsn: place.startLsn,
    sizeBytes: place.sizeBytes,
    storedBytes: BigInt(storedBytes),
    firstCommit: facts?.firstCommit ?? null,
    lastCommit: facts?.lastCommit ?? null,
    commitCount: facts?.commitCount ?? null,
    restorePoints: facts?.restorePoints ?? [],
    lastRecordEnd: facts?.lastRecordEnd ?? null,
    source: about.source ?? "copy",
  };
}
