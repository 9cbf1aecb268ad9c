import { AppError } from "@tidemark/kit";
import type { BackupRow, RepositoryRow, Run, Server } from "@tidemark/metadata";
import type { Services } from "../services.ts";
import { badField, notFound } from "./parse-input.ts";

/** Throws `not-found` for a server that was never there or was removed. */
export async function requireServer(services: Services, id: string, field = "serverId"): Promise<Server> {
  const server = await services.metadata.servers.get(id);
  if (server === null || server.removedAt !== null) throw notFound("server", id, field);
  return server;
}

/** As `requireServer`, and it is in service: throws `server-offline` with who took it out of it, when and why. */
export async function requireOnlineServer(services: Services, id: string, field = "serverId"): Promise<Server> {
  const server = await requireServer(services, id, field);
  const [period] = await services.metadata.offline.current([server.id]);
  if (period === undefined) return server;
  const since = `${period.since.toISOString().slice(0, 16).replace("T", " ")} UTC`;
  throw new AppError("server-offline", {
    message: `${server.name} is offline since ${since}, set by ${period.by}: ${period.reason}`,
    hint: "set it online again first; nothing was asked of it",
    context: { field },
  });
}

export async function requireRepository(services: Services, id: string, field: string): Promise<RepositoryRow> {
  const repository = await services.metadata.repositories.get(id);
  if (repository === null) throw notFound("repository", id, field);
  return repository;
}

export async function requireRun(services: Services, id: string, field = "id"): Promise<Run> {
  const run = await services.metadata.runs.get(id);
  if (run === null) throw notFound("run", id, field);
  return run;
}

/** Throws `not-found` for a backup that is not there (any more). */
export async function requireBackup(services: Services, id: string, field = "id"): Promise<BackupRow> {
  const backup = await services.metadata.backups.get(id);
  if (backup === null || backup.state === "deleted") throw notFound("backup", id, field);
  return backup;
}

/** A backup whose bytes are in the repository: throws while it runs, is being deleted, or when nothing came of it. */
export async function requireStoredBackup(services: Services, id: string, field = "id"): Promise<BackupRow> {
  const backup = await requireBackup(services, id, field);
  if (backup.state === "restorable" || backup.state === "stored") return backup;
  if (backup.state === "running" || backup.state === "deleting") {
    throw new AppError("server-busy", {
      message: `backup ${id} is ${backup.state === "running" ? "still being taken" : "being deleted"}`,
      context: { field },
    });
  }
  throw badField(
    field,
    `nothing was stored for backup ${id}: it ${backup.state === "failed" ? "failed" : "was interrupted"}`,
  );
}

/** As `requireStoredBackup`, and its WAL is whole. */
export async function requireRestorableBackup(services: Services, id: string, field = "id"): Promise<BackupRow> {
  const backup = await requireStoredBackup(services, id, field);
  if (backup.state === "restorable") return backup;
  throw badField(field, `backup ${id} cannot be restored yet: its WAL is not whole`);
}
