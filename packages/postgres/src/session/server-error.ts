import { AppError, type ErrorCode, type ErrorContext } from "@tidemark/kit";
import type { ServerReport } from "../wire/backend-messages.ts";

/** What we were doing when the server refused: some SQLSTATEs mean different things. */
export type ServerErrorPhase = "sql" | "replication";

interface Rule {
  readonly sqlState: string;
  /**
   * Only when reported by one of these C functions, which tell apart what one SQLSTATE lumps together; null: by none,
   * as errors of a connection pooler are, while PostgreSQL always names one.
   */
  readonly routines?: readonly (string | null)[];
  readonly phase?: ServerErrorPhase;
  readonly code: ErrorCode;
  readonly hint: string;
}

/**
 * The one place where the server's errors become ours. First match wins. Nothing reads message text: it is translated
 * by lc_messages; SQLSTATE and the reporting function are not.
 */
const rules: readonly Rule[] = [
  {
    sqlState: "28P01",
    code: "password-wrong",
    hint: "check role and password; a role that does not exist or has no password looks the same from outside",
  },
  {
    // auth.c: no line matches, or a `reject` line does.
    sqlState: "28000",
    routines: ["ClientAuthentication"],
    code: "hba-entry-missing",
    hint: "pg_hba.conf has no line that lets this role in from here; add one and reload",
  },
  {
    // auth.c, auth_failed: peer, ident, cert, ldap …; with a password method it is 28P01.
    sqlState: "28000",
    routines: ["auth_failed"],
    code: "auth-method-unsupported",
    hint: "the pg_hba.conf line that matches wants another proof than a password; use scram-sha-256 there",
  },
  {
    // miscinit.c: does not exist, or may not log in.
    sqlState: "28000",
    routines: ["InitializeSessionUserId"],
    code: "role-unknown",
    hint: "create the role, or let it log in: ALTER ROLE … LOGIN",
  },
  {
    // postinit.c when the session starts, slot.c per command. Elsewhere the SQLSTATE is that of a file the server may
    // not read.
    sqlState: "42501",
    routines: ["InitPostgres", "CheckSlotPermissions", "check_permissions"],
    phase: "replication",
    code: "replication-not-permitted",
    hint: "the role needs the REPLICATION attribute: ALTER ROLE … REPLICATION",
  },
  {
    // slotfuncs.c up to 15, slot.c from 16: the SQL functions ask for the attribute, no grant stands for it.
    sqlState: "42501",
    routines: ["CheckSlotPermissions", "check_permissions"],
    phase: "sql",
    code: "replication-not-permitted",
    hint: "the role needs the REPLICATION attribute: ALTER ROLE … REPLICATION",
  },
  {
    sqlState: "42501",
    phase: "sql",
    code: "privilege-missing",
    hint: "the server's Readiness page and `tidemark server privileges NAME` have the SQL that grants what is missing",
  },
  { sqlState: "3D000", code: "database-unknown", hint: "name an existing database in the connection string" },
  {
    // proc.c and walsender.c: walsenders have places of their own.
    sqlState: "53300",
    routines: ["InitProcess", "InitWalSenderSlot"],
    phase: "replication",
    code: "wal-senders-exhausted",
    hint: "raise max_wal_senders (it is 0 with wal_level=minimal) and restart, or end a session of pg_stat_replication",
  },
  {
    sqlState: "53300",
    code: "too-many-connections",
    hint: "the server, the database or the role has no free connection",
  },
  {
    sqlState: "53400",
    routines: ["ReplicationSlotCreate"],
    code: "replication-slots-exhausted",
    hint: "raise max_replication_slots and restart, or drop a slot that is not used",
  },
  {
    sqlState: "42710",
    routines: ["ReplicationSlotCreate"],
    code: "slot-exists",
    hint: "choose another name, or use the slot that is there",
  },
  {
    // slot.c: the inner function up to 13.
    sqlState: "42704",
    routines: ["ReplicationSlotAcquire", "ReplicationSlotAcquireInternal"],
    code: "slot-missing",
    hint: "pg_replication_slots lists the slots there are",
  },
  {
    sqlState: "55006",
    routines: ["ReplicationSlotAcquire", "ReplicationSlotAcquireInternal"],
    code: "slot-in-use",
    hint: "another session streams from the slot; pg_replication_slots names its process",
  },
  {
    // xlogfuncs.c: what writes WAL, or asks where it is written, is for a primary.
    sqlState: "55000",
    routines: [
      "pg_switch_wal",
      "pg_walfile_name",
      "pg_walfile_name_offset",
      "pg_current_wal_lsn",
      "pg_current_wal_insert_lsn",
      "pg_current_wal_flush_lsn",
    ],
    code: "server-in-recovery",
    hint: "the server is a standby (or recovers); ask its primary",
  },
  {
    // xlogfuncs.c: one low-level backup a session.
    sqlState: "55000",
    routines: ["pg_start_backup", "pg_backup_start"],
    phase: "sql",
    code: "backup-already-running",
    hint: "a session holds one backup at a time; stop it or end the session",
  },
  {
    // xlog.c: do_pg_start_backup up to 14, do_pg_backup_start from 15.
    sqlState: "55000",
    routines: ["do_pg_start_backup", "do_pg_backup_start"],
    phase: "replication",
    code: "wal-level-minimal",
    hint: "set wal_level = 'replica' and restart the server",
  },
  {
    // xlog.c, walsender.c, xlogutils.c.
    sqlState: "58P01",
    routines: ["CheckXLogRemoved", "WalSndSegmentOpen", "WALReadRaiseError", "XLogRead", "wal_segment_open"],
    code: "wal-removed",
    hint: "the server recycled WAL that was still needed; a free replication slot or more wal_keep_size prevents it",
  },
  {
    // basebackup.c: "could not find WAL file" is reported without a SQLSTATE of its own.
    sqlState: "XX000",
    routines: ["perform_base_backup"],
    code: "wal-removed",
    hint: "the server recycled WAL that was still needed; a free replication slot or more wal_keep_size prevents it",
  },
  {
    // slot.c: which functions refuse an invalidated slot differs from major to major.
    sqlState: "55000",
    routines: ["ReplicationSlotAcquire", "RaiseSlotInvalidationError", "StartReplication"],
    phase: "replication",
    code: "slot-lost",
    hint: "the server gave up the WAL the slot held (max_slot_wal_keep_size, idle_replication_slot_timeout); a new slot and a new base backup are needed",
  },
  {
    // walsender.c and timeline.c: what was asked for lies on a branch the server did not take.
    sqlState: "XX000",
    routines: ["StartReplication", "tliSwitchPoint"],
    phase: "replication",
    code: "wal-history-diverged",
    hint: "what is stored and this server went different ways: it was promoted, or restored, before that point",
  },
  {
    sqlState: "57P03",
    code: "server-starting",
    hint: "the server starts, recovers or stops just now; try again in a moment",
  },
  { sqlState: "57P01", code: "server-shutting-down", hint: "an administrator stopped the server or ended our session" },
  {
    sqlState: "57P02",
    code: "server-shutting-down",
    hint: "the server restarts after a crash of one of its processes",
  },
  {
    // PgBouncer up to 1.22 takes `replication` for an option it does not know.
    sqlState: "08P01",
    routines: [null],
    phase: "replication",
    code: "replication-protocol-missing",
    hint: "a connection pooler answers, which knows no replication: name PostgreSQL's own address",
  },
  {
    sqlState: "08P01",
    routines: [null],
    code: "protocol-violation",
    hint: "a connection pooler answers and does not let a setting of the session's start through: leave it out of the connection string, or name PostgreSQL's own address",
  },
  { sqlState: "08P01", code: "protocol-violation", hint: "the server did not understand what we sent" },
];

/** Turns an error of the server into ours, with its own sentence in the message and its SQLSTATE in the context. */
export function serverError(
  report: ServerReport,
  phase: ServerErrorPhase,
  what: string,
  context: ErrorContext = {},
): AppError {
  const rule = rules.find(
    (candidate) =>
      candidate.sqlState === report.sqlState &&
      (candidate.phase === undefined || candidate.phase === phase) &&
      (candidate.routines === undefined || candidate.routines.includes(report.routine)),
  );
  return new AppError(rule?.code ?? "server-error", {
    message: `${what}: ${report.message}${report.detail === null ? "" : ` (${report.detail})`}`,
    hint: rule?.hint ?? report.hint ?? "the server's log tells more",
    context: { ...context, sqlState: report.sqlState, routine: report.routine },
  });
}
