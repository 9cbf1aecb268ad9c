import { Secret } from "@tidemark/kit";
import { startCluster } from "@tidemark/local-postgres";
import type { TestServer } from "@tidemark/testkit";
import pg from "pg";
import type { EngineRig } from "../engine-rig.ts";

export interface StartRequest {
  readonly rig: EngineRig;
  /** Whose backup it is: its programs and its login are used. */
  readonly server: TestServer;
  readonly backupId: string;
  /** A folder of the rig; the data directory and the tablespaces go into it. */
  readonly name: string;
}

/** Restores a backup, starts PostgreSQL on it, and calls `look`; several statements give the rows of the last. For tests. */
export async function withRestored(request: StartRequest, look: (query: Query) => Promise<void>): Promise<void> {
  const { rig, server, backupId, name } = request;
  const { facts } = (await rig.area.openManifest(backupId)).backup;
  const target = rig.dir.join(name, "data");
  const outside = facts.tablespaces.filter(({ path }) => path.startsWith("/"));
  const tablespaces = outside.map(({ oid, path }) => ({ from: path, to: rig.dir.join(name, String(oid)) }));
  await rig.restore(await rig.plan({ backupId, targetDirectory: target, tablespaces, owner: owner() }));
  const password = new Secret(server.password);
  const { installation } = server.cluster;
  await using cluster = await startCluster({ installation, dataDir: target, superuser: server.superuser, password });
  const query: Query = async (sql, database = "postgres") => {
    const client = new pg.Client(cluster.dsn({ database }));
    await client.connect();
    try {
      const results = [await client.query(sql)].flat();
      return results.at(-1)?.rows ?? [];
    } finally {
      await client.end();
    }
  };
  await look(query);
}

export type Query = (sql: string, database?: string) => Promise<readonly unknown[]>;

/** As root the servers of tests run under another account. */
function owner(): string | null {
  return process.getuid?.() === 0 ? "postgres" : null;
}

/** Every row, by a sequential scan and by an index-only one, with every B-tree checked against its table. */
export async function checkWhole(query: Query, database = "postgres"): Promise<void> {
  await query("CREATE EXTENSION IF NOT EXISTS amcheck", database);
  await query(
    `SELECT bt_index_check(index => i.indexrelid, heapallindexed => true) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'btree' AND c.relpersistence = 'p' AND c.relkind = 'i'`,
    database,
  );
  const damage = await query(
    "SELECT c.relname, v.msg FROM pg_class c, verify_heapam(c.oid) v WHERE c.relkind IN ('r', 't', 'm') AND c.relpersistence = 'p'",
    database,
  );
  if (damage.length > 0) throw new Error(`verify_heapam: ${JSON.stringify(damage.slice(0, 3))}`);
}
