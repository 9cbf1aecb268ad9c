/** Whether this role may do one act here. */
export interface ActPrivilege {
  /** One of `privilegedActs`. */
  readonly act: string;
  readonly title: string;
  /** `not-available`: no right makes it possible on this server (a standby, this major). */
  readonly state: "allowed" | "missing" | "not-available";
  /** Why it is missing or not available; null when allowed. */
  readonly why: string | null;
  /** Run as it is by a superuser in the session's database (on the primary); null when no SQL gives it. */
  readonly remedySql: string | null;
}

/** A right nothing here needs. */
export interface ExcessRight {
  readonly what: string;
  readonly why: string;
  /** Takes it back. */
  readonly remedySql: string;
}

/** The smallest role for one purpose, as a script. */
export interface PurposeScript {
  readonly purpose: RolePurpose;
  readonly title: string;
  /** Every act of the purpose is allowed to this role, or not available to any on this server. */
  readonly satisfied: boolean;
  readonly sql: string;
}

/** What the asking role may do on the server it asked. */
export interface PrivilegeReport {
  readonly role: string;
  readonly isSuperuser: boolean;
  readonly acts: readonly ActPrivilege[];
  readonly excess: readonly ExcessRight[];
  readonly scripts: readonly PurposeScript[];
}

/**
 * What a role is for. `operate` also takes low-level backups, switches WAL, sets restore points and makes checkpoints.
 */
export const rolePurposes = ["backup", "backup-and-wal", "operate"] as const;
export type RolePurpose = (typeof rolePurposes)[number];
