import type { ActControl } from "@tidemark/engine";
import { AppError, describeError } from "@tidemark/kit";
import type { Server } from "@tidemark/metadata";
import { describeFailover, failoverArea, type Repository, type ServerArea } from "@tidemark/repository";
import { openRegisteredRepository, withArea } from "./open-repository.ts";
import type { WorkerDeps } from "./worker-deps.ts";

type ReadDeps = Pick<WorkerDeps, "metadata" | "settings" | "key" | "clock" | "onStep">;

/**
 * Runs `act` with an area to restore from: the server's, or, where that cannot be reached or lost something, the copies
 * in its second repository. What came from there is said in the run's log. Checks (verify, drill) do not read through
 * this: they shall find what is wrong with the first.
 */
export async function withReadableArea<T>(
  deps: ReadDeps,
  server: Pick<Server, "areaId" | "repositoryId" | "copyToId">,
  control: ActControl,
  act: (area: ServerArea) => Promise<T>,
): Promise<T> {
  if (server.copyToId === null) return await withArea(deps, server, act);
  const warn = (message: string): void => control.emit({ kind: "log", level: "warning", message });
  const second = await tryOpen(deps, server.copyToId);
  if ("error" in second) {
    warn(`the second repository cannot be used: ${describeError(second.error).message}`);
    return await withArea(deps, server, act);
  }
  try {
    const first = await tryOpen(deps, server.repositoryId);
    if ("error" in first) {
      warn(`reading from the second repository: ${describeError(first.error).message}`);
      return await act(second.repository.area(server.areaId));
    }
    try {
      const areas = [first.repository.area(server.areaId), second.repository.area(server.areaId)] as const;
      return await act(failoverArea(...areas, { onNote: (note) => warn(describeFailover(note)) }));
    } finally {
      await first.repository.close();
    }
  } finally {
    await second.repository.close();
  }
}

/** Whatever keeps a repository from being opened, the other one is there; what is no trouble of a repository is thrown. */
async function tryOpen(
  deps: ReadDeps,
  repositoryId: string,
): Promise<{ readonly repository: Repository } | { readonly error: AppError }> {
  try {
    return { repository: await openRegisteredRepository(deps, repositoryId) };
  } catch (error) {
    if (error instanceof AppError && error.code !== "metadata-unreachable") return { error };
    throw error;
  }
}
