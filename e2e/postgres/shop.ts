import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { adoptCluster, type TempDir, type TestServer, testPostgres } from "@tidemark/testkit";
import pg from "pg";
import { expect } from "../faces/story.ts";
import { shared } from "../product/shared.ts";

/** Starts what was restored of the demo, with the demo's own login and its own pg_hba.conf. */
export async function startRestoredDemo(dir: TempDir, dataDir: string): Promise<TestServer> {
  const like = {
    superuser: "postgres",
    password: await demoPassword(),
    cluster: { installation: await testPostgres(18) },
  };
  return await adoptCluster(dir, like, { dataDir });
}

/**
 * Compares the restored shop with the demo's, which goes on being written: tables nobody changes row by row, and
 * orders, whose numbers are given by one writer in order, up to the last one that was restored.
 */
export async function expectSameShop(restored: TestServer): Promise<void> {
  const source = new pg.Client(await demoDsn());
  await source.connect();
  try {
    const inRestored = <Row extends pg.QueryResultRow>(sql: string) =>
      restored.query<Row>(sql, [], { database: "shop" });
    for (const table of ["customers", "products"]) {
      const sql = `SELECT count(*)::int AS count, md5(string_agg(t::text, '|' ORDER BY id)) AS sum FROM ${table} t`;
      const [was] = (await source.query<{ count: number; sum: string }>(sql)).rows;
      const [is] = await inRestored<{ count: number; sum: string }>(sql);
      expect(was?.count, `rows of ${table}`).toBeGreaterThan(1_000);
      expect(is, table).toEqual(was);
    }
    const [last] = await inRestored<{ id: string }>("SELECT max(id) AS id FROM orders");
    expect(Number(last?.id)).toBeGreaterThanOrEqual(200_000);
    const orders = `SELECT count(*)::int AS count, md5(string_agg(concat_ws(',', id, customer_id, ordered_at, shipping_address), '|' ORDER BY id)) AS sum
      FROM orders WHERE id <= ${Number(last?.id)}`;
    expect(await inRestored(orders), "orders").toEqual((await source.query(orders)).rows);
  } finally {
    await source.end();
  }
}

async function demoDsn(): Promise<string> {
  const port = (await readFile(join(shared().home, "demo", "port"), "utf8")).trim();
  return `postgresql://postgres:${encodeURIComponent(await demoPassword())}@127.0.0.1:${port}/shop`;
}

async function demoPassword(): Promise<string> {
  return (await readFile(join(shared().home, "keys", "demo-superuser-password"), "utf8")).trim();
}
