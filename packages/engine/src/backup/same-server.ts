import type { ReplicationSession, SqlSession } from "@tidemark/postgres";

/**
 * Why what an SQL session says does not concern the server of a replication session; null when it does. A connection
 * string may name several hosts, each session picks one, and their WAL summaries and timelines are their own.
 */
export async function otherServer(
  sql: SqlSession,
  session: ReplicationSession,
  systemIdentifier: bigint,
): Promise<string | null> {
  const [asked, copied] = [sql.opened.address, session.opened.address];
  if (asked.host !== copied.host || asked.port !== copied.port) {
    return `SQL went to ${asked.host}:${asked.port}, the copy comes from ${copied.host}:${copied.port}`;
  }
  const [row] = await sql.query<{ identifier: string }>(
    "SELECT system_identifier::text AS identifier FROM pg_catalog.pg_control_system()",
  );
  return row?.identifier === String(systemIdentifier) ? null : "SQL went to another cluster than the copy comes from";
}
