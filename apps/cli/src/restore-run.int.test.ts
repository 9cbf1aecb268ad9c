import { adoptCluster, type TestServer, tempDir, testServer, waitFor } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TestProduct, testProduct } from "./test-product.ts";

/** A server whose WAL is streamed to the product; a transaction among others is where to go back to. */
describe("tidemark restore run to a point in time", () => {
  let product: TestProduct;
  let server: TestServer;
  const xids: string[] = [];

  beforeAll(async () => {
    [product, server] = await Promise.all([testProduct(), testServer({ major: 18, walSegmentSizeMb: 1 })]);
    await server.query("CREATE TABLE ledger (id integer PRIMARY KEY)");
    await product.json("server", "add", "shop", "--dsn", server.dsn(), "--no-first-backup");
    await waitFor(async () => (await received()) !== null, { what: "the receiver", timeoutMs: 60_000 });
    await product.json("backup", "create", "shop", "--wait");
    for (const id of [1, 2, 3, 4, 5]) {
      const [row] = await server.query<{ xid: string }>(
        "WITH row AS (INSERT INTO ledger VALUES ($1)) SELECT pg_current_xact_id()::text AS xid",
        [id],
      );
      xids.push(row?.xid ?? "");
    }
    const [{ lsn } = { lsn: "" }] = await server.query<{ lsn: string }>("SELECT pg_current_wal_lsn()::text AS lsn");
    await waitFor(async () => (await flushedBehind(lsn)) === true, { what: "the last row", timeoutMs: 60_000 });
  });
  afterAll(async () => {
    await product?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  async function received(): Promise<string | null> {
    const [row] = await server.query<{ lsn: string | null }>(
      "SELECT flush_lsn::text AS lsn FROM pg_stat_replication WHERE state = 'streaming' AND flush_lsn IS NOT NULL",
    );
    return row?.lsn ?? null;
  }

  async function flushedBehind(lsn: string): Promise<boolean> {
    const [row] = await server.query<{ yes: boolean }>(
      "SELECT bool_or(flush_lsn >= $1::pg_lsn) AS yes FROM pg_stat_replication",
      [lsn],
    );
    return row?.yes === true;
  }

  async function restored(name: string, ...flags: readonly string[]): Promise<readonly unknown[]> {
    const to = product.join(name);
    const owner = process.getuid?.() === 0 ? ["--owner", "postgres"] : [];
    await product.json("restore", "run", "shop", "--to", to, ...owner, ...flags, "--wait");
    await using dir = await tempDir("run");
    await using cluster = await adoptCluster(dir, server, { dataDir: to });
    await waitFor(
      async () => (await cluster.query<{ yes: boolean }>("SELECT pg_is_in_recovery() AS yes"))[0]?.yes === false,
      {
        what: "the end of its recovery",
      },
    );
    return (await cluster.query<{ id: number }>("SELECT id FROM ledger ORDER BY id")).map(({ id }) => id);
  }

  it("brings back exactly what was committed by then, the segment in the making included", async () => {
    expect(await restored("inclusive", "--target-xid", xids[2] ?? "")).toEqual([1, 2, 3]);
    expect(await restored("latest", "--target-latest")).toEqual([1, 2, 3, 4, 5]);
    expect(
      await restored("current", "--target-xid", xids[1] ?? "", "--target-exclusive", "--target-timeline", "current"),
    ).toEqual([1]);
  });

  it("goes back in a stopped server's own directory, though that went on on a timeline of its own", async () => {
    expect(await restored("delta", "--target-latest")).toEqual([1, 2, 3, 4, 5]);
    expect(await restored("delta", "--delta", "--yes", "--target-xid", xids[3] ?? "")).toEqual([1, 2, 3, 4]);
  });

  it("says in the plan that a target cannot be reached, and runs none", async () => {
    const flags = ["--to", product.join("never"), "--target-time", "2099-01-01T00:00:00Z"];
    const plan = await product.tidemark("restore", "plan", "shop", ...flags);
    expect(plan).toMatchObject({ exitCode: 1, text: expect.stringMatching(/cannot be reached; the last instant/) });
    const run = await product.tidemark("restore", "run", "shop", ...flags);
    expect(run).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/nothing was written/) });
  });
});
