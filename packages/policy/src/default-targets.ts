/** What a policy that says nothing promises of a streamed server: a minute of commits, which a receiver keeps by far. */
export const defaultRpoTargetSeconds = 60;
