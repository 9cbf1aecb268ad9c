import { AppError } from "@tidemark/kit";
import { inParallel, storeRequests } from "../collection/in-parallel.ts";
import { packKey } from "../paths.ts";
import type { RepositoryContext } from "../repository-context.ts";
import { readPackWriter } from "./pack-directory.ts";

/** See `ServerArea.packWriters`. A pack's head is 128 bytes: two small requests for each, whatever the pack's size. */
export async function packWriters(
  context: RepositoryContext,
  serverId: string,
  packIds: Iterable<string>,
): Promise<ReadonlyMap<string, string | null>> {
  const writers = await inParallel([...packIds], storeRequests, async (packId) => {
    const writer = await readPackWriter(context, packKey(serverId, packId)).catch((error: unknown) => {
      // Removed since it was found: as unknown as one whose head is damaged.
      if (error instanceof AppError && error.code === "object-missing") return null;
      throw error;
    });
    return [packId, writer] as const;
  });
  return new Map(writers);
}
