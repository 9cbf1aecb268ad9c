import { AppError, Secret } from "@tidemark/kit";
import type { Server } from "@tidemark/metadata";
import { openRepository, type Repository, type RepositoryKey, type ServerArea } from "@tidemark/repository";
import { type ObjectStore, openStore, RetryingStore } from "@tidemark/storage";
import type { WorkerDeps } from "./worker-deps.ts";

type OpenDeps = Pick<WorkerDeps, "metadata" | "settings" | "key" | "clock" | "onStep">;

/** The store behind a repository's address, with short troubles retried. */
export function openRepositoryStore(url: string): ObjectStore {
  return new RetryingStore(openStore(url));
}

/** What every opening of a repository is given here. */
export function repositoryOptions(deps: Pick<OpenDeps, "settings" | "clock" | "onStep">) {
  return {
    clock: deps.clock,
    spoolFolder: deps.settings.scratch,
    openerThreads: deps.settings.frameThreads,
    onStep: deps.onStep,
  };
}

/** Opens a registered repository with its sealed key; its user closes it. */
export async function openRegisteredRepository(deps: OpenDeps, repositoryId: string): Promise<Repository> {
  const { url, sealedKey } = await deps.metadata.repositories.credentials(repositoryId);
  const key = sealedKey === null ? null : asRepositoryKey(await deps.key.open(sealedKey));
  const repository = await openRepository(openRepositoryStore(url), { ...repositoryOptions(deps), key });
  const row = await deps.metadata.repositories.get(repositoryId);
  if (row?.formatId != null && row.formatId !== repository.id) {
    await repository.close();
    throw new AppError("repository-not-ours", {
      message: `another repository (${repository.id}) is at ${repository.location} now`,
      hint: "nothing was changed; check what is mounted there",
      context: { expected: row.formatId, found: repository.id },
    });
  }
  return repository;
}

/** Runs `act` with the server's area in its repository, and closes the repository whatever happens. */
export async function withArea<T>(
  deps: OpenDeps,
  server: Pick<Server, "areaId" | "repositoryId">,
  act: (area: ServerArea, repository: Repository) => Promise<T>,
): Promise<T> {
  const repository = await openRegisteredRepository(deps, server.repositoryId);
  try {
    return await act(repository.area(server.areaId), repository);
  } finally {
    await repository.close();
  }
}

/** A key as a person gives it: the text of a key file, or a passphrase. */
export function asRepositoryKey(text: Secret): RepositoryKey {
  const kind = text.reveal().trimStart().startsWith("tidemark-key-") ? "key-file" : "passphrase";
  return { kind, text: kind === "key-file" ? new Secret(text.reveal().trim()) : text };
}
