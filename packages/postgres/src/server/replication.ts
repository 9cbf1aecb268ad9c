import type { Lsn } from "../files/lsn.ts";
import type { Asker } from "./asker.ts";
import { bytesOf, instantOf, lsnOf, msOf } from "./column-values.ts";

/**
 * Who streams. A `standby` reports what it replayed; a `wal-receiver` (pg_receivewal, Barman, ours) never does; a
 * `base-backup` sends files, not WAL; `logical` decodes. `unknown`: not streaming yet, or hidden from this role.
 */
export type ReplicationClientKind = "standby" | "wal-receiver" | "base-backup" | "logical" | "unknown";

/** A session of pg_stat_replication. Without pg_read_all_stats most of it is null. */
export interface ReplicationClient {
  readonly pid: number;
  readonly kind: ReplicationClientKind;
  readonly user: string | null;
  readonly applicationName: string | null;
  /** Null for a Unix socket too. */
  readonly clientAddress: string | null;
  readonly clientHostname: string | null;
  readonly clientPort: number | null;
  readonly startedAt: Date | null;
  readonly backendXmin: string | null;
  /** startup, catchup, streaming, backup or stopping. */
  readonly state: string | null;
  readonly sentLsn: Lsn | null;
  readonly writeLsn: Lsn | null;
  readonly flushLsn: Lsn | null;
  readonly replayLsn: Lsn | null;
  /** From what a standby replayed (any other: flushed) to the end of this server's WAL. */
  readonly lagBytes: bigint | null;
  readonly writeLagMs: number | null;
  readonly flushLagMs: number | null;
  readonly replayLagMs: number | null;
  /** async, potential, sync or quorum. */
  readonly syncState: string | null;
  readonly syncPriority: number | null;
  /** When the last status message was sent, by the client's clock. */
  readonly repliedAt: Date | null;
  readonly slotName: string | null;
}

/**
 * The clients that stream from this server, synchronous ones first; on a standby its cascaded ones.
 *
 * Needs: pg_read_all_stats; without it the clients are there, but what they do is hidden
 * (walsender.c, pg_stat_get_wal_senders).
 */
export async function readReplication(asker: Asker): Promise<ReplicationClient[]> {
  return (await asker.query<ClientRow>(question)).map(toClient);
}

/** By what the client reports. Logical first: logical clients report what they replayed, too. */
export function replicationClientKind(
  client: Pick<ReplicationClient, "state" | "sentLsn" | "replayLsn"> & {
    readonly slotKind: "physical" | "logical" | null;
  },
): ReplicationClientKind {
  if (client.slotKind === "logical") return "logical";
  if (client.state === "backup") return "base-backup";
  if (client.replayLsn !== null) return "standby";
  return client.state === null || client.sentLsn === null ? "unknown" : "wal-receiver";
}

function toClient(row: ClientRow): ReplicationClient {
  const positions = { sentLsn: lsnOf(row.sent_lsn), replayLsn: lsnOf(row.replay_lsn) };
  const kind = replicationClientKind({ ...positions, state: row.state, slotKind: row.slot_type });
  return {
    pid: row.pid,
    kind,
    user: row.user,
    applicationName: row.application_name === "" ? null : row.application_name,
    clientAddress: row.client_address,
    clientHostname: row.client_hostname,
    clientPort: row.client_port === -1 ? null : row.client_port,
    startedAt: instantOf(row.started_ms),
    backendXmin: row.backend_xmin,
    state: row.state,
    ...positions,
    writeLsn: lsnOf(row.write_lsn),
    flushLsn: lsnOf(row.flush_lsn),
    lagBytes: kind === "base-backup" ? null : bytesOf(row.lag),
    writeLagMs: row.write_lag_ms,
    flushLagMs: row.flush_lag_ms,
    replayLagMs: row.replay_lag_ms,
    syncState: row.sync_state,
    syncPriority: row.sync_priority,
    repliedAt: instantOf(row.reply_ms),
    slotName: row.slot_name,
  };
}

interface ClientRow {
  readonly pid: number;
  readonly user: string | null;
  readonly application_name: string | null;
  readonly client_address: string | null;
  readonly client_hostname: string | null;
  readonly client_port: number | null;
  readonly started_ms: number | null;
  readonly backend_xmin: string | null;
  readonly state: string | null;
  readonly sent_lsn: string | null;
  readonly write_lsn: string | null;
  readonly flush_lsn: string | null;
  readonly replay_lsn: string | null;
  readonly lag: string | null;
  readonly write_lag_ms: number | null;
  readonly flush_lag_ms: number | null;
  readonly replay_lag_ms: number | null;
  readonly sync_state: string | null;
  readonly sync_priority: number | null;
  readonly reply_ms: number | null;
  readonly slot_name: string | null;
  readonly slot_type: "physical" | "logical" | null;
}

/**
 * A standby can only compare with what it received itself. A slot knows which session uses it, for any role; besides
 * the one it streams from, a session may hold any number of temporary ones.
 */
const question = `
  SELECT r.pid, r.usename::text AS user, r.application_name,
         pg_catalog.host(r.client_addr) AS client_address, r.client_hostname, r.client_port,
         ${msOf("r.backend_start")} AS started_ms, r.backend_xmin::text AS backend_xmin, r.state,
         r.sent_lsn::text AS sent_lsn, r.write_lsn::text AS write_lsn,
         r.flush_lsn::text AS flush_lsn, r.replay_lsn::text AS replay_lsn,
         pg_catalog.pg_wal_lsn_diff(
           w.ending, COALESCE(r.replay_lsn, r.flush_lsn, r.write_lsn, r.sent_lsn))::text AS lag,
         ${msOf("r.write_lag")} AS write_lag_ms, ${msOf("r.flush_lag")} AS flush_lag_ms,
         ${msOf("r.replay_lag")} AS replay_lag_ms,
         r.sync_state, r.sync_priority, ${msOf("r.reply_time")} AS reply_ms,
         s.slot_name::text AS slot_name, s.slot_type
    FROM pg_catalog.pg_stat_replication r
    LEFT JOIN LATERAL (SELECT slot_name, slot_type FROM pg_catalog.pg_replication_slots
                        WHERE active_pid = r.pid ORDER BY temporary, slot_name LIMIT 1) s ON true
   CROSS JOIN (SELECT CASE WHEN pg_catalog.pg_is_in_recovery()
                      THEN GREATEST(pg_catalog.pg_last_wal_receive_lsn(), pg_catalog.pg_last_wal_replay_lsn())
                      ELSE pg_catalog.pg_current_wal_lsn() END AS ending OFFSET 0) w
   ORDER BY r.sync_state DESC NULLS LAST, r.sync_priority, r.pid`;
