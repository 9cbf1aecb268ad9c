/** As packages/jobs' WalMode; the command line does not load it. */
export const walModes = ["stream", "push", "none"] as const;
export type WalMode = (typeof walModes)[number];

export const walModeText =
  "how its WAL comes: stream (Tidemark receives it as it is written), push (its archive_command hands it over) or none";
