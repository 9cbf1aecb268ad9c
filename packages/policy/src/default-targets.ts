/** What a policy that says nothing promises of a streamed server: a minute of commits, which a receiver keeps by far. */
export const defaultRpoTargetSeconds = 60;

/** For how long a proof by a drill counts where a policy does not say: a drill older than a month says little about the backups of today. */
export const defaultProofDays = 31;
