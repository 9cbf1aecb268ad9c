import { openRegisteredRepository } from "../open-repository.ts";
import type { WorkerDeps } from "../worker-deps.ts";
import { mirrorWal } from "./mirror-wal.ts";

type MirrorDeps = Pick<WorkerDeps, "metadata" | "settings" | "key" | "clock" | "onStep" | "logger">;

/** Rows of what servers pushed into their repository by themselves: nobody tells us of it but the repository. */
export async function mirrorPushedWal(deps: MirrorDeps): Promise<void> {
  const pushing = (await deps.metadata.servers.all()).filter((server) => server.walMode === "push");
  for (const repositoryId of new Set(pushing.map((server) => server.repositoryId))) {
    try {
      const repository = await openRegisteredRepository(deps, repositoryId);
      try {
        for (const server of pushing.filter((one) => one.repositoryId === repositoryId)) {
          await mirrorWal(deps, server, repositoryId, repository.area(server.areaId));
        }
      } finally {
        await repository.close();
      }
    } catch (error) {
      deps.logger.warn({ err: error, repositoryId }, "what servers pushed into a repository could not be read");
    }
  }
}
