import type { KeySlotRow } from "@tidemark/metadata";
import type { KeySlot, Repository } from "@tidemark/repository";
import type { WorkerDeps } from "./worker-deps.ts";

/** Brings the slots in a repository's row up to date; the repository is the truth about them. */
export async function mirrorKeySlots(
  deps: Pick<WorkerDeps, "metadata">,
  repositoryId: string,
  repository: Repository,
): Promise<void> {
  if (repository.keys === null) return;
  const { slots } = await repository.keys.list();
  await deps.metadata.repositories.update(repositoryId, { keySlots: [...keySlotRows(slots)] });
}

export function keySlotRows(slots: readonly KeySlot[]): readonly KeySlotRow[] {
  return slots.map(({ slot, kind, ownerId, label, recipient, walOf, keyId, keyCreatedAt, createdAt, ...is }) => ({
    ...{ slot, kind, ownerId, label, recipient, walOf, keyId, current: is.current, opened: is.opened },
    keyCreatedAt: keyCreatedAt.toISOString(),
    createdAt: createdAt.toISOString(),
  }));
}
