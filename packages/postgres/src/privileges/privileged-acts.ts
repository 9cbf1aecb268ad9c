import type { RolePurpose } from "./privilege-report.ts";

/** One thing PostgreSQL itself checks before it does an act. Superusers pass all of them. */
export type Need =
  /** EXECUTE on a function of pg_catalog (aclchk.c); through a group only where its privileges are inherited. */
  | { readonly kind: "execute"; readonly signature: string }
  /** SELECT on a view of pg_catalog. Its functions are called with the reader's own rights. */
  | { readonly kind: "select"; readonly view: string }
  /** Membership in a predefined role. */
  | { readonly kind: "member"; readonly role: string; readonly ask: Membership }
  /** The role's attribute; attributes are never inherited, no grant stands for them. */
  | { readonly kind: "replication" }
  /** Nothing less will do. */
  | { readonly kind: "superuser" };

/** acl.c: MEMBER is is_member_of_role (also through NOINHERIT), USAGE is has_privs_of_role (inherited only). */
export type Membership = "MEMBER" | "USAGE";

export interface PrivilegedAct {
  readonly id: string;
  readonly title: string;
  /** Writes WAL, which a standby cannot. */
  readonly primaryOnly: boolean;
  /** Majors above have no such thing; null: all have it. */
  readonly untilMajor: number | null;
  readonly needs: (major: number) => readonly Need[];
}

/** Everything Tidemark does at a server that not every role may do. */
export const privilegedActs: readonly PrivilegedAct[] = [
  // guc.c, GetConfigOptionByName: settings marked superuser-only, data_directory and config_file among them.
  act("read-settings", "read all settings", (major) => [predefined("pg_read_all_settings", major)]),
  // pgstatfuncs.c, walsender.c, dbsize.c: without it rows of other roles' sessions come with nulls.
  act("read-statistics", "read all statistics", (major) => [predefined("pg_read_all_stats", major)]),
  act("read-configuration", "see what the configuration files say", (major) => [
    { kind: "select", view: "pg_file_settings" },
    execute("pg_show_all_file_settings()"),
    { kind: "select", view: "pg_hba_file_rules" },
    execute("pg_hba_file_rules()"),
    // The view is new in 15 (release notes of 15).
    ...(major >= 15
      ? [{ kind: "select", view: "pg_ident_file_mappings" } as const, execute("pg_ident_file_mappings()")]
      : []),
  ]),
  // Public unless somebody revoked it.
  act("read-control", "read the system identifier and the control file", () => [
    execute("pg_control_system()"),
    execute("pg_control_checkpoint()"),
    execute("pg_control_recovery()"),
  ]),
  // postinit.c, InitPostgres: "must be superuser or replication role to start walsender".
  act("replicate", "stream backups and WAL", () => [{ kind: "replication" }]),
  // slotfuncs.c, check_permissions (to 15); slot.c, CheckSlotPermissions (from 16).
  act("create-slot", "create a replication slot", () => [{ kind: "replication" }]),
  act("drop-slot", "drop a replication slot", () => [{ kind: "replication" }]),
  act("start-backup", "start a low-level backup", (major) => [execute(startSignature(major))]),
  act("stop-backup", "stop a low-level backup", (major) => [execute(stopSignature(major))]),
  {
    ...act("exclusive-backup", "start and stop an exclusive backup", () => [
      execute(startSignature(14)),
      execute(stopSignature(14)),
    ]),
    primaryOnly: true,
    untilMajor: 14,
  },
  { ...act("switch-wal", "switch to a new WAL segment", () => [execute("pg_switch_wal()")]), primaryOnly: true },
  {
    ...act("restore-point", "create a restore point", () => [execute("pg_create_restore_point(text)")]),
    primaryOnly: true,
  },
  // utility.c, standard_ProcessUtility, T_CheckPointStmt: superuser() to 14, has_privs_of_role from 15.
  act("checkpoint", "make a checkpoint", (major) =>
    major >= 15 ? [predefined("pg_checkpoint", major)] : [{ kind: "superuser" }],
  ),
  // genfile.c, convert_and_check_filename: paths below the data directory and the log directory need no role.
  act("read-file", "read files of the data directory", () => [execute(readSignature)]),
  act("read-file-outside", "read files outside the data directory", (major) => [
    execute(readSignature),
    predefined("pg_read_server_files", major),
  ]),
  act("stat-file", "look at files of the data directory", () => [execute("pg_stat_file(text, boolean)")]),
  act("list-directory", "list directories of the data directory", () => [execute("pg_ls_dir(text, boolean, boolean)")]),
  // signalfuncs.c, pg_signal_backend: has_privs_of_role on every major, so USAGE on 13 and 14 too. Sessions of one's
  // own role need nothing, those of superusers a superuser.
  act("end-session", "end another role's session", () => [{ kind: "member", role: "pg_signal_backend", ask: "USAGE" }]),
];

/** What each purpose must be allowed to do; what no grant gives on a major is left out there by `grantable`. */
export const purposeActs: Readonly<Record<RolePurpose, readonly string[]>> = {
  backup: ["replicate"],
  "backup-and-wal": ["replicate", "create-slot", "drop-slot", "read-settings", "read-statistics"],
  operate: [
    "replicate",
    "create-slot",
    "drop-slot",
    "read-settings",
    "read-statistics",
    "start-backup",
    "stop-backup",
    "switch-wal",
    "restore-point",
    "checkpoint",
    "read-file",
    "stat-file",
    "list-directory",
  ],
};

/** The acts of a purpose that a script can give on this major. */
export function grantableActs(purpose: RolePurpose, major: number): PrivilegedAct[] {
  return privilegedActs.filter(
    (candidate) =>
      purposeActs[purpose].includes(candidate.id) && candidate.needs(major).every((need) => need.kind !== "superuser"),
  );
}

/** Rights that let a role do more than anything here needs. */
export const excessPredefinedRoles: Readonly<Record<string, string>> = {
  pg_write_server_files: "it may write any file of the server's account, and with that become a superuser",
  pg_execute_server_program: "it may run programs as the server's account, and with that become a superuser",
  pg_read_all_data: "it may read all rows of all tables; a backup reads files, not rows",
  pg_write_all_data: "it may change all rows of all tables",
  pg_create_subscription: "it may create subscriptions",
  pg_maintain: "it may VACUUM, REINDEX and lock all tables",
};

const readSignature = "pg_read_binary_file(text, bigint, bigint, boolean)";

/** Renamed in 15 (release notes of 15, migration). */
function startSignature(major: number): string {
  return major >= 15 ? "pg_backup_start(text, boolean)" : "pg_start_backup(text, boolean, boolean)";
}

function stopSignature(major: number): string {
  return major >= 15 ? "pg_backup_stop(boolean)" : "pg_stop_backup(boolean, boolean)";
}

/**
 * 15 went from is_member_of_role to has_privs_of_role for the predefined roles (release notes of 15, migration:
 * "Make predefined roles' privileges be inherited only").
 */
function predefined(role: string, major: number): Need {
  return { kind: "member", role, ask: major >= 15 ? "USAGE" : "MEMBER" };
}

function execute(signature: string): Need {
  return { kind: "execute", signature };
}

function act(id: string, title: string, needs: (major: number) => readonly Need[]): PrivilegedAct {
  return { id, title, primaryOnly: false, untilMajor: null, needs };
}
