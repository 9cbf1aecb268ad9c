/** What a policy that says nothing promises: a minute of commits, which a receiver that streams keeps by far. */
export const defaultRpoTargetSeconds = 60;
