import { AppError, describeError } from "@tidemark/kit";
import type { RepositoryChange, RepositoryState } from "@tidemark/metadata";
import { openRegisteredRepository, openRepositoryStore } from "./open-repository.ts";
import { refreshRepositoryFindings } from "./refresh-findings.ts";
import type { WorkerDeps } from "./worker-deps.ts";

type StateDeps = Pick<WorkerDeps, "metadata" | "settings" | "key" | "clock" | "onStep" | "logger">;

/** What an error says about the state of a repository; null: nothing. */
export function stateOfError(error: unknown): RepositoryState | null {
  if (!(error instanceof AppError)) return null;
  switch (error.code) {
    case "storage-full":
      return "full";
    case "repository-read-only":
      return "read-only";
    case "storage-unreachable":
    case "storage-throttled":
    case "storage-host-unknown":
    case "storage-tls-failed":
    case "storage-clock-skewed":
    case "repository-missing":
      return "unreachable";
    case "storage-denied":
    case "storage-failed":
    case "storage-bucket-missing":
    case "storage-region-wrong":
    case "storage-credentials-missing":
    case "storage-credentials-wrong":
    case "storage-credentials-expired":
    case "repository-not-ours":
    case "repository-format-newer":
    case "repository-key-missing":
    case "repository-key-wrong":
    case "secret-unreadable":
      return "failed";
    default:
      return null;
  }
}

/** After an act: what it learned of the repository goes into the row. `error` null: it worked, trouble of before is over. */
export async function noteRepositoryTrouble(deps: StateDeps, repositoryId: string, error: unknown): Promise<void> {
  const state = error === null ? "ready" : stateOfError(error);
  if (state === null) return;
  try {
    const stateDetail = error === null ? null : describeError(error).message;
    await deps.metadata.repositories.update(repositoryId, {
      state,
      stateDetail,
      ...(await spaceOf(deps, repositoryId)),
    });
    await refreshRepositoryFindings(deps);
  } catch (second) {
    deps.logger.warn({ err: second, repositoryId }, "the state of the repository could not be noted");
  }
}

/** Looks at every attached repository: can it be opened, written, how much room is left. */
export async function checkRepositories(deps: StateDeps): Promise<void> {
  for (const row of await deps.metadata.repositories.all()) {
    if (row.formatId === null) continue;
    await deps.metadata.repositories.update(row.id, await examine(deps, row.id));
  }
  await refreshRepositoryFindings(deps);
}

async function examine(deps: StateDeps, repositoryId: string): Promise<RepositoryChange> {
  try {
    const repository = await openRegisteredRepository(deps, repositoryId);
    await repository.close();
    const store = await openRepositoryStore(deps, await deps.metadata.repositories.credentials(repositoryId));
    const { writable, exclusiveCreate } = await store.probe();
    const space = await spaceOf(deps, repositoryId);
    if (!writable) return { state: "read-only", stateDetail: "the repository refuses writes", ...space };
    return { state: "ready", stateDetail: null, exclusiveCreate, ...space };
  } catch (error) {
    return { state: stateOfError(error) ?? "failed", stateDetail: describeError(error).message };
  }
}

async function spaceOf(deps: StateDeps, repositoryId: string): Promise<RepositoryChange> {
  const store = await openRepositoryStore(deps, await deps.metadata.repositories.credentials(repositoryId));
  const space = await store.space();
  let storedBytes = 0n;
  for await (const object of store.list("")) storedBytes += BigInt(object.sizeBytes);
  return { freeBytes: space?.freeBytes ?? null, totalBytes: space?.totalBytes ?? null, storedBytes };
}
