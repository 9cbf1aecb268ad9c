import type { DamagedWalRow, SeenFinding, Server } from "@tidemark/metadata";
import { walSegmentName } from "@tidemark/postgres/segment-reading";
import type { WorkerDeps } from "../worker-deps.ts";

const damagedWalChecks = ["wal-damaged"] as const;

/** Brings the findings of damaged WAL up to date, which only verifications find: it is said until one finds it sound. */
export async function refreshDamagedWal({ metadata }: Pick<WorkerDeps, "metadata">): Promise<void> {
  const servers = await metadata.servers.all();
  const damaged = await metadata.wal.damaged(servers.map(({ id }) => id));
  for (const server of servers) {
    const finding = damagedWalFinding(
      server,
      damaged.filter(({ serverId }) => serverId === server.id),
    );
    await metadata.findings.record({ kind: "server", serverId: server.id }, damagedWalChecks, finding);
  }
}

function damagedWalFinding(server: Server, damaged: readonly DamagedWalRow[]): readonly SeenFinding[] {
  // What is damaged everywhere first: of that something is lost.
  const [first] = [...damaged].sort((left, right) => Number(left.isElsewhere) - Number(right.isElsewhere));
  if (first === undefined) return [];
  const name = walSegmentName(first.timeline, first.startLsn as Parameters<typeof walSegmentName>[1], first.sizeBytes);
  const others = damaged.length === 1 ? "" : `; ${damaged.length} segments in all`;
  const lost = "nothing in it can be recovered, nor what lies behind it before the next backup";
  return [
    {
      checkId: "wal-damaged",
      severity: "risk",
      title: `Archived WAL of ${server.name} is damaged`,
      found: `segment ${name} in ${first.repositoryId === server.repositoryId ? "its repository" : "its second repository"}: ${first.damage}${others}`,
      required: "every archived segment as it was stored",
      why: first.isElsewhere ? "its other repository has it still: when that is lost, it is lost" : lost,
      remedy: {
        advice: `put it back from where it is sound and verify again (tidemark repository verify REPOSITORY --server ${server.name}); a backup behind it begins the recovery window anew`,
      },
      actionLabel: "See its time line",
      actionPath: `/servers/${server.id}/recovery`,
    },
  ];
}
