import { readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { shared } from "../product/shared.ts";

/** Makes an API token's last day yesterday: nobody waits a day for a story. */
export async function expireToken(id: string): Promise<void> {
  const client = new pg.Client(await metadataDsn());
  await client.connect();
  try {
    const { rowCount } = await client.query(
      `UPDATE api_token SET expires_at = now() - interval '1 day' WHERE id = $1`,
      [id],
    );
    if (rowCount !== 1) throw new Error(`there is no token ${id}`);
  } finally {
    await client.end();
  }
}

/** The embedded PostgreSQL: where it is and how to log in stands in the home. */
async function metadataDsn(): Promise<string> {
  const { home } = shared();
  const roll = JSON.parse(await readFile(join(home, "processes.json"), "utf8")) as { clusters: readonly string[] };
  const dataDir = roll.clusters.find((path) => path.endsWith("/database"));
  if (dataDir === undefined) throw new Error("the home names no embedded PostgreSQL");
  // The fourth line is the port (PostgreSQL's src/include/utils/pidfile.h).
  const port = (await readFile(join(dataDir, "postmaster.pid"), "utf8")).split("\n")[3];
  const password = (await readFile(join(home, "keys", "database-password"), "utf8")).trim();
  return `postgresql://tidemark:${encodeURIComponent(password)}@127.0.0.1:${port}/tidemark`;
}
