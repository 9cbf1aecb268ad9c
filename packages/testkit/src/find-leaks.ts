import type { TestServer } from "./test-server.ts";

/**
 * What an act left behind on a server, as sentences: sessions, replication slots, a backup in progress, prepared
 * transactions. Dispose your own clients first. Empty means clean.
 */
export async function findLeaks(server: TestServer): Promise<readonly string[]> {
  const rows = await server.query<{ leak: string }>(leaksSql);
  return rows.map(({ leak }) => leak);
}

const leaksSql = `
  SELECT format('session %s of %s (%s, %s): %s', pid, usename, coalesce(nullif(application_name, ''), 'no name'),
                backend_type, coalesce(left(query, 80), '')) AS leak
    FROM pg_stat_activity
   WHERE pid <> pg_backend_pid() AND backend_type IN ('client backend', 'walsender')
  UNION ALL
  SELECT format('replication slot %s (%s)', slot_name, CASE WHEN active THEN 'active' ELSE 'idle' END)
    FROM pg_replication_slots
  UNION ALL
  SELECT format('prepared transaction %s', gid) FROM pg_prepared_xacts`;
