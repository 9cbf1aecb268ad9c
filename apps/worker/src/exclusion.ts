import type { Run, RunKind } from "@tidemark/metadata";

/**
 * Which acts on one server keep each other out, as data. Writers of the repository's area go one at a time; what reads
 * a backup whole goes one at a time; deletions wait for both and for restores, so that nothing is taken from under a
 * reader. A restore waits for deletions only: in an emergency no backup or drill stands in its way.
 */
export const conflictsWith: Readonly<Record<RunKind, readonly RunKind[]>> = {
  backup: ["backup", "retention", "delete-backup", "collect"],
  verify: ["verify", "drill", "retention", "delete-backup", "collect"],
  drill: ["verify", "drill", "retention", "delete-backup", "collect"],
  restore: ["retention", "delete-backup", "collect"],
  clone: ["retention", "delete-backup", "collect"],
  "clone-act": ["clone-act"],
  "find-moment": ["retention", "delete-backup", "collect"],
  retention: ["backup", "verify", "drill", "restore", "clone", "find-moment", "retention", "delete-backup", "collect"],
  "delete-backup": [
    "backup",
    "verify",
    "drill",
    "restore",
    "clone",
    "find-moment",
    "retention",
    "delete-backup",
    "collect",
  ],
  collect: ["backup", "verify", "drill", "restore", "clone", "find-moment", "retention", "delete-backup", "collect"],
  mark: [],
  "restore-plan": [],
  "connection-test": [],
  "attach-repository": [],
  "recovery-kit": [],
  // Slots are objects of their own; what is sealed meanwhile names the data key it was sealed with.
  "repository-keys": [],
  inspect: [],
  "server-act": [],
  // Deletions and collections need not wait: leases in both repositories keep what a copy reads and writes.
  copy: ["copy"],
  "rebuild-catalog": [],
};

/** The lease a run holds while it runs, as a second guard below the rule above; null for acts that exclude nobody. */
export function leaseKeyOf(kind: RunKind, serverId: string | null): string | null {
  if (serverId === null) return null;
  switch (kind) {
    case "backup":
    case "retention":
    case "delete-backup":
    case "collect":
      return `server:${serverId}:write`;
    case "verify":
    case "drill":
      return `server:${serverId}:check`;
    case "copy":
      return `server:${serverId}:copy`;
    default:
      return null;
  }
}

/**
 * The run this one must wait for, or null: one that is running, or an older one that waits already (first come, first
 * served). `unfinished` are the unfinished runs of the same server.
 */
export function blockerOf(run: Run, unfinished: readonly Run[]): Run | null {
  const against = conflictsWith[run.kind];
  const others = unfinished.filter((other) => other.id !== run.id && against.includes(other.kind));
  const running = others.find((other) => other.state === "running");
  if (running !== undefined) return running;
  return others.filter((other) => other.state === "waiting" && isOlder(other, run)).sort(byAge)[0] ?? null;
}

export function waitingSentence(blocker: Pick<Run, "id" | "kind">): string {
  return `waiting for ${blocker.kind} run ${blocker.id}`;
}

/** Oldest first; ids sort by creation within one millisecond. */
export function byAge(left: Run, right: Run): number {
  return left.createdAt.getTime() - right.createdAt.getTime() || (left.id < right.id ? -1 : 1);
}

function isOlder(left: Run, right: Run): boolean {
  return byAge(left, right) < 0;
}
