import { AppError, type Secret } from "@tidemark/kit";
import type { RepositoryCredentials, Server } from "@tidemark/metadata";
import {
  defaultCompression,
  openRepository,
  parseCompression,
  type Repository,
  type RepositoryKey,
  repositoryKeyFromText,
  type ServerArea,
} from "@tidemark/repository";
import {
  needsStoreCredentials,
  type ObjectStore,
  openStore,
  parseStoreCredentials,
  RetryingStore,
  type StoreCredentials,
} from "@tidemark/storage";
import type { WorkerDeps } from "./worker-deps.ts";

type OpenDeps = Pick<WorkerDeps, "metadata" | "settings" | "key" | "clock" | "onStep">;

type StoreDeps = Pick<WorkerDeps, "settings" | "key" | "clock">;

/** The store behind a repository's address, with short troubles retried. The repository's own credentials go before the worker's. */
export async function openRepositoryStore(
  deps: StoreDeps,
  place: Pick<RepositoryCredentials, "url" | "sealedStoreCredentials">,
): Promise<ObjectStore> {
  const { url } = place;
  const credentials = needsStoreCredentials(url) ? await storeCredentials(deps, place) : null;
  const store = await openStore(url, { credentials, clock: deps.clock, spoolFolder: deps.settings.scratch });
  return new RetryingStore(store);
}

async function storeCredentials(
  deps: StoreDeps,
  { sealedStoreCredentials }: Pick<RepositoryCredentials, "sealedStoreCredentials">,
): Promise<StoreCredentials | null> {
  if (sealedStoreCredentials === null) return deps.settings.storeCredentials;
  return parseStoreCredentials((await deps.key.open(sealedStoreCredentials)).reveal());
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
  const credentials = await deps.metadata.repositories.credentials(repositoryId);
  const { sealedKey } = credentials;
  const key = sealedKey === null ? null : asRepositoryKey(await deps.key.open(sealedKey));
  const repository = await openRepository(await openRepositoryStore(deps, credentials), {
    ...(await optionsOf(deps, repositoryId)),
    key,
  });
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
