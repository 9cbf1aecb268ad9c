import type { Lsn } from "../files/lsn.ts";
import type { Asker } from "./asker.ts";
import { type AskingRole, readAskingRole } from "./asking-role.ts";
import { bytesOf, instantOf, lsnOf, msOf } from "./column-values.ts";

/** A replication slot with every column the majors have; null also where the major has no such column. */
export interface Slot {
  readonly name: string;
  readonly kind: "physical" | "logical";
  /** The output plugin of a logical slot. */
  readonly plugin: string | null;
  /** The database of a logical slot. */
  readonly database: string | null;
  readonly temporary: boolean;
  readonly active: boolean;
  /** The session that streams from it. */
  readonly activePid: number | null;
  readonly xmin: string | null;
  readonly catalogXmin: string | null;
  /** The oldest WAL it holds; null while it never reserved any, or lost it. */
  readonly restartLsn: Lsn | null;
  /** Logical slots only. */
  readonly confirmedFlushLsn: Lsn | null;
  /** From `restartLsn` to the end of the WAL; null while it holds none. */
  readonly retainedBytes: bigint | null;
  /** reserved, extended, unreserved or lost; null while no WAL was reserved. */
  readonly walStatus: string | null;
  /** How much may still be written before the slot is in danger; null without max_slot_wal_keep_size. */
  readonly safeWalSizeBytes: bigint | null;
  /** 14+ */
  readonly twoPhase: boolean | null;
  /** 18+ */
  readonly twoPhaseAt: Lsn | null;
  /** 16+, logical slots only. */
  readonly conflicting: boolean | null;
  /** 17+; null while it streams, but a temporary slot has the time it was made. */
  readonly inactiveSince: Date | null;
  /** 17+: wal_removed, rows_removed, wal_level_insufficient, idle_timeout (18). */
  readonly invalidationReason: string | null;
  /** 17+: to be kept on standbys too. */
  readonly failover: boolean | null;
  /** 17+: kept in step with the primary's slot of that name. */
  readonly synced: boolean | null;
  /** Ours, by name. */
  readonly own: boolean;
}

export interface ReadSlotsOptions {
  readonly role?: AskingRole | undefined;
  /** Which names are ours; none unless given. */
  readonly isOwn?: ((name: string) => boolean) | undefined;
  /** Only the slot of this name. */
  readonly name?: string | undefined;
}

/** The server's slots, on a standby too. Needs: any login (pg_replication_slots is public). */
export async function readSlots(asker: Asker, options: ReadSlotsOptions = {}): Promise<Slot[]> {
  const { major } = options.role ?? (await readAskingRole(asker));
  const rows = await asker.query<SlotRow>(slotsQuestion(major), [options.name ?? null]);
  return rows.map((row) => toSlot(row, options.isOwn?.(row.slot_name) ?? false));
}

/** The slot of that name; null when there is none. */
export async function readSlot(
  asker: Asker,
  name: string,
  options: Omit<ReadSlotsOptions, "name"> = {},
): Promise<Slot | null> {
  const [slot] = await readSlots(asker, { ...options, name });
  return slot ?? null;
}

/** The columns that came after 13 (release notes of each major; pg_replication_slots in the manual). */
const laterColumns = [
  { column: "two_phase", since: 14, select: "s.two_phase", absent: "NULL::bool" },
  { column: "two_phase_at", since: 18, select: "s.two_phase_at::text", absent: "NULL::text" },
  { column: "conflicting", since: 16, select: "s.conflicting", absent: "NULL::bool" },
  { column: "inactive_ms", since: 17, select: msOf("s.inactive_since"), absent: "NULL::float8" },
  { column: "invalidation_reason", since: 17, select: "s.invalidation_reason", absent: "NULL::text" },
  { column: "failover", since: 17, select: "s.failover", absent: "NULL::bool" },
  { column: "synced", since: 17, select: "s.synced", absent: "NULL::bool" },
] as const;

/** Retained WAL ends where the primary writes, or where a standby has received or replayed. */
function slotsQuestion(major: number): string {
  const later = laterColumns.map((it) => `${major >= it.since ? it.select : it.absent} AS ${it.column}`);
  return `
  SELECT s.slot_name::text AS slot_name, s.plugin::text AS plugin, s.slot_type, s.database::text AS database,
         s.temporary, s.active, s.active_pid, s.xmin::text AS xmin, s.catalog_xmin::text AS catalog_xmin,
         s.restart_lsn::text AS restart_lsn, s.confirmed_flush_lsn::text AS confirmed_flush_lsn,
         s.wal_status, s.safe_wal_size::text AS safe_wal_size,
         CASE WHEN s.wal_status = 'lost' THEN NULL
              ELSE pg_catalog.pg_wal_lsn_diff(w.ending, s.restart_lsn)::text END AS retained,
         ${later.join(",\n         ")}
    FROM pg_catalog.pg_replication_slots s,
         (SELECT CASE WHEN pg_catalog.pg_is_in_recovery()
                      THEN GREATEST(pg_catalog.pg_last_wal_receive_lsn(), pg_catalog.pg_last_wal_replay_lsn())
                      ELSE pg_catalog.pg_current_wal_lsn() END AS ending OFFSET 0) w
   WHERE $1::text IS NULL OR s.slot_name = $1::text
   ORDER BY s.slot_name`;
}

function toSlot(row: SlotRow, own: boolean): Slot {
  return {
    name: row.slot_name,
    kind: row.slot_type === "logical" ? "logical" : "physical",
    plugin: row.plugin,
    database: row.database,
    temporary: row.temporary,
    active: row.active,
    activePid: row.active_pid,
    xmin: row.xmin,
    catalogXmin: row.catalog_xmin,
    restartLsn: lsnOf(row.restart_lsn),
    confirmedFlushLsn: lsnOf(row.confirmed_flush_lsn),
    retainedBytes: bytesOf(row.retained),
    walStatus: row.wal_status,
    safeWalSizeBytes: bytesOf(row.safe_wal_size),
    twoPhase: row.two_phase,
    twoPhaseAt: lsnOf(row.two_phase_at),
    conflicting: row.conflicting,
    inactiveSince: instantOf(row.inactive_ms),
    invalidationReason: row.invalidation_reason,
    failover: row.failover,
    synced: row.synced,
    own,
  };
}

interface SlotRow {
  readonly slot_name: string;
  readonly plugin: string | null;
  readonly slot_type: string;
  readonly database: string | null;
  readonly temporary: boolean;
  readonly active: boolean;
  readonly active_pid: number | null;
  readonly xmin: string | null;
  readonly catalog_xmin: string | null;
  readonly restart_lsn: string | null;
  readonly confirmed_flush_lsn: string | null;
  readonly retained: string | null;
  readonly wal_status: string | null;
  readonly safe_wal_size: string | null;
  readonly two_phase: boolean | null;
  readonly two_phase_at: string | null;
  readonly conflicting: boolean | null;
  readonly inactive_ms: number | null;
  readonly invalidation_reason: string | null;
  readonly failover: boolean | null;
  readonly synced: boolean | null;
}
