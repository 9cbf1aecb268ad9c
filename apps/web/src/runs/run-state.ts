import type { RunState } from "./run-state-badge.tsx";

const finalStates: readonly RunState[] = ["SUCCEEDED", "FAILED", "INTERRUPTED", "CANCELLED"];

/** True when nothing will happen to the run any more. */
export function isFinal(state: RunState): boolean {
  return finalStates.includes(state);
}

export const runKinds = [
  "BACKUP",
  "VERIFY",
  "DRILL",
  "CLONE",
  "CLONE_ACT",
  "FIND_MOMENT",
  "RESTORE_PLAN",
  "RESTORE",
  "RETENTION",
  "DELETE_BACKUP",
  "CONNECTION_TEST",
  "INSPECT",
  "SERVER_ACT",
  "ATTACH_REPOSITORY",
  "RECOVERY_KIT",
  "REPOSITORY_KEYS",
  "COLLECT",
  "MARK",
  "COPY",
  "REBUILD_CATALOG",
] as const;

export type RunKind = (typeof runKinds)[number];

export const runKindNames: Record<RunKind, string> = {
  BACKUP: "Backup",
  VERIFY: "Verification",
  DRILL: "Drill",
  CLONE: "Clone",
  CLONE_ACT: "Act on a clone",
  FIND_MOMENT: "Search of the WAL",
  RESTORE_PLAN: "Restore plan",
  RESTORE: "Restore",
  RETENTION: "Retention",
  DELETE_BACKUP: "Deletion",
  CONNECTION_TEST: "Connection test",
  INSPECT: "Inspection",
  SERVER_ACT: "Server act",
  ATTACH_REPOSITORY: "Attach repository",
  RECOVERY_KIT: "Recovery kit",
  REPOSITORY_KEYS: "Repository keys",
  COLLECT: "Garbage collection",
  MARK: "Hold or note",
  COPY: "Copy",
  REBUILD_CATALOG: "Catalogue",
};

/** `Backup of billing-eu`. */
export function runTitle(run: { readonly kind: RunKind; readonly server: { readonly name: string } | null }): string {
  return run.server === null ? runKindNames[run.kind] : `${runKindNames[run.kind]} of ${run.server.name}`;
}

/** What the browser's tab says: the state first, because a tab is narrow. */
export function documentTitle(
  run: { readonly kind: RunKind; readonly state: RunState; readonly server: { readonly name: string } | null },
  percent: number | null,
): string {
  const state = run.state === "RUNNING" && percent !== null ? `${Math.floor(percent)} %` : stateWords[run.state];
  return `${state} · ${runTitle(run)} · Tidemark`;
}

const stateWords: Record<RunState, string> = {
  QUEUED: "Queued",
  WAITING: "Waiting",
  RUNNING: "Running",
  SUCCEEDED: "✓ Done",
  FAILED: "✗ Failed",
  INTERRUPTED: "✗ Interrupted",
  CANCELLED: "Cancelled",
};
