import type { RebuildCatalogResult } from "@tidemark/jobs";
import { AppError } from "@tidemark/kit";
import { adoptServers } from "../adopt-servers.ts";
import { mirrorRepository } from "../mirror-catalogue.ts";
import { openRegisteredRepository } from "../open-repository.ts";
import type { RunHandler } from "../run-context.ts";

/** Makes rows of the servers, backups, holds and notes a repository holds. Running it twice is the same as once. */
export const rebuildCatalogHandler: RunHandler<"rebuild-catalog"> = async ({ request, control, deps }) => {
  const row = await deps.metadata.repositories.get(request.repositoryId);
  if (row === null) throw new AppError("not-found", { message: `there is no repository ${request.repositoryId}` });
  const repository = await openRegisteredRepository(deps, row.id);
  try {
    control.emit({ kind: "phase", phase: "reading", message: `reading what ${repository.location} holds` });
    const { added, notes } = await adoptServers(deps, row.id, repository);
    for (const { name } of added) control.emit({ kind: "log", level: "info", message: `took over server ${name}` });
    await mirrorRepository(deps, row.id, repository);
    const servers = (await deps.metadata.servers.all()).filter((server) => server.repositoryId === row.id);
    let backups = 0;
    for (const { id } of servers) {
      backups += (await deps.metadata.backups.ofServer(id)).filter(({ state }) => state === "restorable").length;
    }
    const result: RebuildCatalogResult = {
      addedServers: added.map(({ id, name }) => ({ serverId: id, name })),
      backups,
      notes: [...notes],
    };
    return { kind: "done", result };
  } finally {
    await repository.close();
  }
};
