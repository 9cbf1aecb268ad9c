import type { PrivilegeReport } from "./privilege-report.ts";

/**
 * Whether a low-level backup can be taken by reading the server's files over SQL, as far as the role goes: it also needs
 * wal_level replica or logical. What a standby or a major does not have is none of these acts.
 */
export function mayReadFiles(privileges: Pick<PrivilegeReport, "acts">): boolean {
  return fileBackupActs.every((id) => privileges.acts.some(({ act, state }) => act === id && state === "allowed"));
}

const fileBackupActs = ["start-backup", "stop-backup", "read-file", "stat-file", "list-directory"] as const;
