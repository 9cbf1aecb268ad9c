import { listCatalog } from "@tidemark/engine";
import type { Server } from "@tidemark/metadata";
import type { Repository, ServerArea } from "@tidemark/repository";
import { mirrorOfEntry } from "./backup-mirror.ts";
import { describeBackup } from "./describe-backup.ts";
import { mirrorKeySlots } from "./mirror-key-slots.ts";
import { openRegisteredRepository } from "./open-repository.ts";
import { mirrorWal } from "./wal/mirror-wal.ts";
import type { WorkerDeps } from "./worker-deps.ts";

type MirrorDeps = Pick<WorkerDeps, "metadata" | "settings" | "key" | "clock" | "onStep" | "logger">;

/**
 * Brings the rows of every registered server up to date with what its repository holds: backups without a row get one,
 * rows of backups that are gone say so. The repository is the truth about backups; the rows only mirror it.
 */
export async function mirrorAll(deps: MirrorDeps): Promise<void> {
  for (const row of await deps.metadata.repositories.all()) {
    if (row.formatId === null) continue;
    try {
      const repository = await openRegisteredRepository(deps, row.id);
      try {
        await mirrorRepository(deps, row.id, repository);
        await mirrorKeySlots(deps, row.id, repository);
      } finally {
        await repository.close();
      }
    } catch (error) {
      // One that cannot be asked now says nothing about its backups; its state has a finding of its own.
      deps.logger.warn({ err: error, repositoryId: row.id }, "the repository's catalogue could not be read");
    }
  }
}

export async function mirrorRepository(
  deps: Pick<MirrorDeps, "metadata" | "clock" | "logger">,
  repositoryId: string,
  repository: Repository,
): Promise<void> {
  const servers = (await deps.metadata.servers.all()).filter((server) => server.repositoryId === repositoryId);
  for (const server of servers) {
    const area = repository.area(server.areaId);
    await mirrorServer(deps, server, area);
    await mirrorWal(deps, server, repositoryId, area);
  }
}

async function mirrorServer(
  deps: Pick<MirrorDeps, "metadata" | "clock" | "logger">,
  server: Server,
  area: ServerArea,
): Promise<void> {
  const { backups } = deps.metadata;
  const rows = new Map((await backups.ofServer(server.id)).map((row) => [row.id, row]));
  const isDeleting = (await deps.metadata.runs.unfinished([server.id])).some(
    (run) => run.state === "running" && (run.kind === "retention" || run.kind === "delete-backup"),
  );
  const catalog = await listCatalog(area);
  let left = describedAtOnce;
  // The newest first: those are looked at.
  for (const entry of [...catalog].reverse()) {
    const { backupId } = entry.backup;
    const row = rows.get(backupId);
    rows.delete(backupId);
    // One that is being taken or deleted right now has a run that settles it.
    if (row?.state === "running" || (row?.state === "deleting" && isDeleting)) continue;
    const isDescribed = row?.files != null && ((row.places !== null && row.coverage !== null) || left-- <= 0);
    const described = isDescribed || entry.backup.damaged !== null ? {} : await describeBackup(deps, area, backupId);
    await backups.mirror({
      id: backupId,
      serverId: server.id,
      repositoryId: server.repositoryId,
      change: { ...mirrorOfEntry(entry), ...described },
    });
    if (row === undefined)
      deps.logger.info({ backupId, serverId: server.id }, "a backup of the repository had no row; it was added");
  }
  for (const row of rows.values()) {
    if (row.state !== "restorable" && row.state !== "stored" && row.state !== "deleting") continue;
    const deletedReason = row.deletedReason ?? "it is not in the repository any more";
    await backups.update(row.id, { state: "deleted", deletedAt: deps.clock.now(), deletedReason }, [row.state]);
  }
}

/**
 * How many rows an older Tidemark wrote are completed in one look: each costs a manifest and two small requests for each of
 * its packs, and the reconciler has dead runs to end meanwhile.
 */
const describedAtOnce = 20;
