import type { DamagedWalRow, SeenFinding, Server, WalFileDamageRow } from "@tidemark/metadata";
import { walSegmentName } from "@tidemark/postgres/segment-reading";
import type { WorkerDeps } from "../worker-deps.ts";

const damagedWalChecks = ["wal-damaged", "wal-file-damaged"] as const;

/** Brings the findings of damaged WAL up to date, which only verifications find: it is said until one finds it sound. */
export async function refreshDamagedWal({ metadata }: Pick<WorkerDeps, "metadata">): Promise<void> {
  const servers = await metadata.servers.all();
  const ids = servers.map(({ id }) => id);
  const [damaged, files] = [await metadata.wal.damaged(ids), await metadata.wal.damagedFiles(ids)];
  for (const server of servers) {
    const isIts = ({ serverId }: { readonly serverId: string }) => serverId === server.id;
    const seen = [
      ...damagedWalFinding(server, damaged.filter(isIts)),
      ...damagedFileFinding(server, files.filter(isIts)),
    ];
    await metadata.findings.record({ kind: "server", serverId: server.id }, damagedWalChecks, seen);
  }
}

/** What is no whole segment: pieces of one in the making, histories, files of an archiver. */
function damagedFileFinding(server: Server, damaged: readonly WalFileDamageRow[]): readonly SeenFinding[] {
  const [first] = damaged;
  if (first === undefined) return [];
  const others = damaged.length === 1 ? "" : `; ${damaged.length} of them in all`;
  return [
    {
      checkId: "wal-file-damaged",
      severity: "risk",
      title: `Archived WAL of ${server.name} beside its whole segments is damaged`,
      found: `${first.name} in ${placeOf(server, first)}: ${first.damage}${others}`,
      required: "everything in the archive as it was stored",
      why: "a recovery that needs it stops there, and says so; whole segments are not concerned",
      remedy: {
        advice: `take a backup (tidemark backup create ${server.name}): from its end on nothing needs it; or put it back from where it is sound and verify again`,
      },
      actionLabel: "See its time line",
      actionPath: `/servers/${server.id}/recovery`,
    },
  ];
}

function placeOf(server: Server, { repositoryId }: { readonly repositoryId: string }): string {
  return repositoryId === server.repositoryId ? "its repository" : "its second repository";
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
      found: `segment ${name} in ${placeOf(server, first)}: ${first.damage}${others}`,
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
