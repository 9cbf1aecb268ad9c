import type { ServerArea } from "@tidemark/repository";
import type { WorkerDeps } from "./worker-deps.ts";

/** What the second repository holds is the truth; the rows mirror it. */
export async function noteCopies(
  deps: Pick<WorkerDeps, "metadata">,
  about: { readonly serverId: string; readonly repositoryId: string },
  target: ServerArea,
  droppedIds: readonly string[] = [],
): Promise<void> {
  const present = (await target.listBackups()).filter(({ damaged }) => damaged === null);
  const presentIds = present.map(({ backupId }) => backupId);
  await deps.metadata.copies.record({ ...about, presentIds, droppedIds });
}
