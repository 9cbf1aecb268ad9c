import type { Wal } from "./wal-fields.ts";

/** How a server's WAL comes to us, in the order of choice, and what each means. */
export const walModes: readonly { readonly value: Wal["mode"]; readonly title: string; readonly words: string }[] = [
  {
    value: "STREAM",
    title: "Stream",
    words:
      "A worker receives it as it is written: what is lost with the server is seconds at most. Nothing is needed on the host; a replication slot keeps WAL there until it is with us, also while no worker runs.",
  },
  {
    value: "PUSH",
    title: "Push",
    words:
      "The server's own archiver hands over each segment when it is full, for servers that cannot be streamed from. What is lost with the server is the segment that was being written.",
  },
  {
    value: "NONE",
    title: "None",
    words:
      "It does not come: a restore ends where a backup ended, and whatever was committed after the newest is lost.",
  },
];
