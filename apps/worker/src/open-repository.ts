import { AppError, type Secret } from "@tidemark/kit";
import type { Server } from "@tidemark/metadata";
import {
  defaultCompression,
  openRepository,
  parseCompression,
  type Repository,
  type RepositoryKey,
  repositoryKeyFromText,
  type ServerArea,
} from "@tidemark/repository";
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

/** The same with what is set for one repository; a setting changed while it is open counts from the next opening. */
async function optionsOf(deps: OpenDeps, repositoryId: string) {
  const row = await deps.metadata.repositories.get(repositoryId);
  const compression = row === null ? defaultCompression : parseCompression(row.compression);
  return { ...repositoryOptions(deps), compression };
}

/** Opens a registered repository with its sealed key; its user closes it. */
export async function openRegisteredRepository(deps: OpenDeps, repositoryId: string): Promise<Repository> {
  const { url, sealedKey } = await deps.metadata.repositories.credentials(repositoryId);
  const key = sealedKey === null ? null : asRepositoryKey(await deps.key.open(sealedKey));
  const repository = await openRepository(openRepositoryStore(url), { ...(await optionsOf(deps, repositoryId)), key });
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

/** A key as a person gave it: the text of a key file or recovery kit, an age identity, or a passphrase. */
export function asRepositoryKey(text: Secret): RepositoryKey {
  return repositoryKeyFromText(text);
}
