import type { FailoverNote } from "./failover-area.ts";

/** What came from the second repository and why, as a sentence for a log. */
export function describeFailover({ what, id, reason }: FailoverNote): string {
  switch (what) {
    case "repository":
      return `reading from the second repository from here on: ${reason}`;
    case "list":
      return `${id === null ? "the list of backups" : id} is read from the second repository: ${reason}`;
    case "second":
      return `what only the second repository holds cannot be seen now: ${reason}`;
    default:
      return `${what} ${id} comes from the second repository: ${reason}`;
  }
}
