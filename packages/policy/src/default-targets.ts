/** What a policy that says nothing promises of a streamed server: a minute of commits, which a receiver keeps by far. */
const defaultRpoTargetSeconds = 60;

/** For how long a proof by a drill counts where a policy does not say: a drill older than a month says little about the backups of today. */
export const defaultProofDays = 31;

/**
 * What stands in a policy where somebody said that there shall be no target, which is something else than to say nothing: of
 * a target that may be lost nothing is asked then, and a proof counts for ever.
 */
export const noTarget = 0;

/** Seconds of commits that may be lost at most; null: no target. `isStreamed`: a receiver was ever heard of. */
export function rpoTargetOf(stored: number | null | undefined, isStreamed: boolean): number | null {
  if (stored === noTarget) return null;
  return stored ?? (isStreamed ? defaultRpoTargetSeconds : null);
}

/** Milliseconds for which a proof by a drill counts; infinite where a policy says that it counts for ever. */
export function proofLifetimeOf(storedDays: number | null | undefined): number {
  if (storedDays === noTarget) return Number.POSITIVE_INFINITY;
  return (storedDays ?? defaultProofDays) * 86_400_000;
}
