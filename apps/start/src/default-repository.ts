import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import type { Queues } from "@tidemark/jobs";
import { AppError, isErrorCode } from "@tidemark/kit";
import { isFinalRunState, type Metadata, type Run } from "@tidemark/metadata";

type RowDeps = Pick<Metadata, "runs" | "repositories">;

/**
 * A newcomer has a place for backups from the first minute: when there is no repository at all, `<home>/repository` is
 * made, encrypted. One whose making was cut short is made whole. Gives the default's id, or null when people chose others.
 */
export async function ensureDefaultRepository(
  metadata: RowDeps,
  queues: Pick<Queues, "ring">,
  folder: string,
  signal: AbortSignal,
): Promise<string | null> {
  const url = pathToFileURL(folder).href;
  const all = await metadata.repositories.all();
  const ours = all.find((repository) => repository.url === url);
  if (ours === undefined && all.length > 0) return null;
  if (ours?.formatId != null) return ours.id;
  const row = ours ?? (await metadata.repositories.create({ name: "default", url, encrypted: true }));
  const { run } = await metadata.runs.create({
    kind: "attach-repository",
    repositoryId: row.id,
    requestedBy: "tidemark",
    request: { repositoryId: row.id, url, encrypted: true, sealedKey: null },
  });
  await queues.ring(run.id, run.kind);
  await awaitSuccess(metadata, run.id, signal);
  return row.id;
}

/** Waits for a run's end and throws what it failed with. */
export async function awaitSuccess(metadata: Pick<Metadata, "runs">, runId: string, signal: AbortSignal): Promise<Run> {
  for (;;) {
    const run = await metadata.runs.get(runId);
    if (run?.state === "succeeded") return run;
    if (run !== null && isFinalRunState(run.state)) {
      const code = run.error !== null && isErrorCode(run.error.code) ? run.error.code : "internal";
      throw new AppError(code, {
        message: run.error?.message ?? `${run.kind} run ended as ${run.state}`,
        hint: run.error?.hint ?? undefined,
      });
    }
    await delay(100, undefined, { signal });
  }
}
