import type { BackupRow, ReadingRow, Run } from "@tidemark/metadata";

/**
 * Why everything was read for a backup; null: there was nothing to build on, or not everything was read. That somebody
 * asked for it is not in the repository, but in the request of the run that took the backup.
 */
export function readingReason(reading: ReadingRow, run: Pick<Run, "request"> | null): string | null {
  if (reading.kind !== "full") return null;
  if (reading.reason !== null) return reading.reason;
  const request = run?.request as { readonly reading?: unknown } | null | undefined;
  return request?.reading === "full" ? "a full one was asked for" : null;
}

/** The same of each of these, by its id; those of which nothing is known are left out. */
export async function readingReasons(
  runs: { getMany(ids: readonly string[]): Promise<readonly Run[]> },
  backups: readonly BackupRow[],
): Promise<ReadonlyMap<string, string>> {
  const wanted = backups.flatMap(({ reading, runId }) => (reading?.kind === "full" && runId !== null ? [runId] : []));
  const byId = new Map((wanted.length === 0 ? [] : await runs.getMany(wanted)).map((run) => [run.id, run]));
  const reasons = new Map<string, string>();
  for (const { id, reading, runId } of backups) {
    if (reading === null) continue;
    const reason = readingReason(reading, runId === null ? null : (byId.get(runId) ?? null));
    if (reason !== null) reasons.set(id, reason);
  }
  return reasons;
}
