import { randomBytes } from "node:crypto";
import { AppError, describeError, newId, type Secret } from "@tidemark/kit";
import { seal } from "@tidemark/kit/sealed-text";
import {
  createRepository,
  newRepositoryKey,
  openRepository,
  type Repository,
  type RepositoryKey,
} from "@tidemark/repository";
import type { ObjectStore } from "@tidemark/storage";
import { adoptServers } from "../adopt-servers.ts";
import { mirrorRepository } from "../mirror-catalogue.ts";
import { mirrorKeySlots } from "../mirror-key-slots.ts";
import { asRepositoryKey, openRepositoryStore, repositoryOptions } from "../open-repository.ts";
import { refreshRepositoryFindings } from "../refresh-findings.ts";
import { stateOfError } from "../repository-state.ts";
import type { RunContext, RunHandler } from "../run-context.ts";

/**
 * Opens the repository at an address, or makes one there when the place is empty. The key of a new one is sealed into
 * its row before anything is written, so that a crash in between never leaves a repository nobody can open.
 */
export const attachRepositoryHandler: RunHandler<"attach-repository"> = async (context) => {
  const { request, deps } = context;
  const { repositories } = deps.metadata;
  try {
    const { sealedStoreCredentials } = await repositories.credentials(request.repositoryId);
    const store = await openRepositoryStore(deps, { url: request.url, sealedStoreCredentials });
    const repository = await openOrCreate(context, store);
    try {
      const { writable, exclusiveCreate } = await store.probe();
      const space = await store.space();
      await repositories.update(request.repositoryId, {
        state: writable ? "ready" : "read-only",
        stateDetail: writable ? null : "the repository refuses writes",
        formatId: repository.id,
        formatVersion: repository.formatVersion,
        encrypted: repository.encrypted,
        // What may not write cannot try it.
        ...(writable ? { exclusiveCreate } : {}),
        freeBytes: space?.freeBytes ?? null,
        totalBytes: space?.totalBytes ?? null,
      });
      // One that is not ours yet may come from a control plane that was lost: its servers come with it.
      await adoptServers(deps, request.repositoryId, repository);
      await mirrorRepository(deps, request.repositoryId, repository);
      await mirrorKeySlots(deps, request.repositoryId, repository);
      await refreshRepositoryFindings(deps);
      return { kind: "done", result: { formatId: repository.id, encrypted: repository.encrypted, exclusiveCreate } };
    } finally {
      await repository.close();
    }
  } catch (error) {
    const state = stateOfError(error) ?? "failed";
    await repositories.update(request.repositoryId, { state, stateDetail: describeError(error).message });
    await refreshRepositoryFindings(deps);
    throw error;
  }
};

async function openOrCreate(context: RunContext<"attach-repository">, store: ObjectStore): Promise<Repository> {
  const { request, control, deps } = context;
  control.emit({ kind: "phase", phase: "attaching", message: `looking what is at ${store.location}` });
  const given = await keyFor(context);
  try {
    return await openRepository(store, { ...repositoryOptions(deps), key: given });
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "repository-missing") throw error;
  }
  if (request.sealedKey !== null) {
    throw new AppError("repository-missing", {
      message: `there is no repository at ${store.location} that the given key could open`,
      hint: "leave the key out to make a new repository there",
    });
  }
  control.emit({
    kind: "phase",
    phase: "creating",
    message: `making ${request.encrypted ? "an encrypted" : "a"} repository at ${store.location}`,
  });
  const encryption = request.encrypted ? (given ?? (await keepNewKey(context))) : "none";
  return await createRepository(store, { ...repositoryOptions(deps), encryption, newId });
}

/** The key given with the request, else the one the row has from an earlier attempt. */
async function keyFor({ request, deps }: RunContext<"attach-repository">): Promise<RepositoryKey | null> {
  if (request.sealedKey !== null) {
    const key = asRepositoryKey(await deps.key.open(request.sealedKey));
    await keep(deps, request.repositoryId, key.text);
    return key;
  }
  const { sealedKey } = await deps.metadata.repositories.credentials(request.repositoryId);
  return sealedKey === null ? null : asRepositoryKey(await deps.key.open(sealedKey));
}

async function keepNewKey({ request, deps }: RunContext<"attach-repository">): Promise<RepositoryKey> {
  const key = newRepositoryKey((length) => new Uint8Array(randomBytes(length)));
  await keep(deps, request.repositoryId, key.text);
  return key;
}

async function keep(deps: RunContext<"attach-repository">["deps"], repositoryId: string, text: Secret): Promise<void> {
  await deps.metadata.repositories.update(repositoryId, { sealedKey: await seal(deps.key.publicKey, text.reveal()) });
}
