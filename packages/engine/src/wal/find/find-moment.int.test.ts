import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseLsn, parseWalSegmentName } from "@tidemark/postgres";
import { adoptCluster, majors, type TestServer, tempDir, testServer, waitFor } from "@tidemark/testkit";
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EngineRig, engineRig } from "../../engine-rig.ts";
import { readBackupRelationNames } from "./backup-relation-names.ts";
import { type FindMomentRequest, type FoundMoments, findMoment } from "./find-moment.ts";
import type { WalStretchSegment } from "./wal-stretch.ts";

const segmentSizeBytes = 1 << 20;

// 13: without dropped statistics and with the older catalogs; 15 and 18: the two formats of what is dropped.
describe.each(process.env.TIDEMARK_ALL_MAJORS === undefined ? ([13, 18] as const) : majors)(
  "finding the moment on PostgreSQL %i",
  (major) => {
    let server: TestServer;
    let rig: EngineRig;
    let backupId: string;
    /** Transaction → what it did. */
    const done: { readonly what: string; readonly xid: number }[] = [];
    let segments: WalStretchSegment[];

    beforeAll(async () => {
      server = await testServer({
        major,
        walSegmentSizeMb: 1,
        settings: { wal_keep_size: "1GB", autovacuum: false, max_prepared_transactions: 4, wal_compression: true },
      });
      rig = await engineRig();
      await server.query("CREATE DATABASE shop");
      const client = await server.client({ database: "shop" });
      await client.query(before);
      await client.query("VACUUM FULL pg_class");
      ({ backupId } = await rig.backup(server.dsn()));
      const noise = await startNoise(server);
      for (const [what, sql] of accidents) {
        done.push({ what, xid: await transact(client, sql) });
        await noise.advance(20);
      }
      await noise.stop();
      await client.end();
      await server.query("DROP DATABASE shop");
      segments = await segmentsOf(server);
    });

    afterAll(async () => {
      await rig?.[Symbol.asyncDispose]();
      await server?.[Symbol.asyncDispose]();
    });

    async function find(request: Partial<FindMomentRequest> = {}, wal = segments): Promise<FoundMoments> {
      const signal = new AbortController().signal;
      const names = await readBackupRelationNames(rig.area, { backupId, database: "shop" }, signal);
      return await findMoment(
        { names, wal: each(wal) },
        {
          ...{ database: "shop", relation: null, leastRows: 500, segmentSizeBytes },
          ...{ from: new Date(0), to: new Date("2100-01-01T00:00:00Z"), ...request },
        },
        { signal },
      );
    }

    const told = ({ moments }: FoundMoments) =>
      moments.flatMap(({ xid, changes }) =>
        changes.map(({ kind, relation, rows }) =>
          [done.find((one) => one.xid === xid)?.what ?? "?", kind, relation?.name ?? "", rows ?? 0].join(" | "),
        ),
      );

    it("names every drop, truncation and mass change amid the noise, and nothing else", async () => {
      const found = await find();
      expect(told(found)).toEqual([
        "delete all | deleted | orders | 3000",
        "update all | updated | orders_copy | 3000",
        "truncate | truncated | items | 0",
        "truncate and load | rewritten | items | 0",
        "vacuum full | rewritten | plain | 0",
        "rename and drop | dropped | renamed | 0",
        "drop | dropped | plain | 0",
        "younger than the backup | dropped | young | 0",
        "two at once | dropped | first | 0",
        "two at once | truncated | second | 0",
        "in a subtransaction | deleted | second_rows | 700",
        "partition | deleted | parts_a | 600",
        "partition truncated | truncated | parts_a | 0",
        "partition truncated | truncated | parts_b | 0",
        "prepared | dropped | held | 0",
        "schema | dropped | inner | 0",
        "? | database-dropped |  | 0",
      ]);
      expect(found.limits).toEqual([]);
      for (const { target, xid, commitLsn, timeline } of found.moments) {
        expect(target).toEqual({ kind: "xid", xid, inclusive: false });
        expect([commitLsn > 0n, timeline]).toEqual([true, 1]);
      }
    });

    it("finds what happened to one relation by its name, its partitions included", async () => {
      expect(told(await find({ relation: { schema: "public", name: "items" } }))).toEqual(
        ["truncate | truncated | items | 0", "truncate and load | rewritten | items | 0"].concat(
          "? | database-dropped |  | 0",
        ),
      );
      const parts = await find({ relation: { schema: "public", name: "parts" } });
      expect(told(parts).filter((line) => line.startsWith("partition"))).toHaveLength(3);
      const inner = await find({ relation: { schema: "Odd schema", name: "inner" } });
      expect(inner.moments[0]?.changes[0]?.relation).toMatchObject({ schema: "Odd schema", name: "inner" });
      await expect(find({ relation: { schema: "public", name: "Orders" } })).rejects.toMatchObject({
        code: "not-found",
      });
    });

    it("looks only between the instants, and finds no more than it may", async () => {
      const all = await find();
      const [, second, third] = all.moments;
      if (second === undefined || third === undefined) throw new Error("there are more");
      const between = await find({ from: second.commitAt, to: third.commitAt });
      expect(between.moments.map(({ xid }) => xid)).toEqual([second.xid, third.xid]);
      const few = await find({ mostMoments: 2 });
      expect(few.moments).toHaveLength(2);
      expect(few.limits).toEqual([expect.stringContaining("only 2")]);
    });

    it.runIf(major >= 15)(
      "gives a target at which a recovered server has the table, and what was done before",
      async () => {
        const { moments } = await find({ relation: { schema: "public", name: "plain" } });
        const dropped = moments.find(({ changes }) => changes[0]?.kind === "dropped");
        const dataDir = rig.dir.join("recovered");
        await rig.restore(
          await rig.plan({ targetDirectory: dataDir, owner: process.getuid?.() === 0 ? "postgres" : null }),
        );
        await writeFile(join(dataDir, "recovery.signal"), "");
        await using dir = await tempDir("recovered");
        await using recovered = await adoptCluster(dir, server, {
          dataDir,
          settings: {
            restore_command: `cp "${server.dataDir}/pg_wal/%f" "%p"`,
            recovery_target_xid: String(dropped?.target.xid),
            recovery_target_inclusive: dropped?.target.inclusive ?? true,
            recovery_target_action: "promote",
          },
        });
        await waitFor(
          async () => {
            const [row] = await recovered.query<{ busy: boolean }>("SELECT pg_is_in_recovery() AS busy");
            return row?.busy === false;
          },
          { what: "the end of the recovery" },
        );
        const count = async (table: string) =>
          (await recovered.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${table}`, [], { database: "shop" }))[0]
            ?.n;
        expect([await count("plain"), await count("orders"), await count("items")]).toEqual([1000, 0, 100]);
        await expect(count("renamed")).rejects.toThrow("does not exist");
      },
    );

    it("says so when it cannot know newer names, and still knows those of the backup", async () => {
      const first = (await find()).moments[3];
      const later = segments.filter(({ startLsn }) => startLsn + BigInt(segmentSizeBytes) > (first?.commitLsn ?? 0n));
      const found = await find({}, later.slice(1));
      expect(found.limits).toEqual([expect.stringContaining("those of the backup")]);
      const holed = await find(
        {},
        segments.filter((_, index) => index !== segments.length - 2),
      );
      expect(holed.limits).toEqual([expect.stringContaining("hole")]);
    });
  },
);

const before = `
  CREATE TABLE orders AS SELECT g AS id, repeat('o', 50) AS body FROM generate_series(1, 3000) g;
  ALTER TABLE orders ADD PRIMARY KEY (id);
  CREATE TABLE orders_copy AS SELECT * FROM orders;
  CREATE TABLE items (id int PRIMARY KEY, body text);
  INSERT INTO items SELECT g, repeat('i', 40) FROM generate_series(1, 1000) g;
  CREATE TABLE plain AS SELECT * FROM items;
  CREATE TABLE named AS SELECT * FROM items;
  CREATE TABLE first AS SELECT * FROM items;
  CREATE TABLE second AS SELECT * FROM items;
  CREATE TABLE second_rows AS SELECT * FROM items;
  CREATE TABLE held AS SELECT * FROM items;
  CREATE TABLE parts (id int, body text) PARTITION BY RANGE (id);
  CREATE TABLE parts_a PARTITION OF parts FOR VALUES FROM (0) TO (1000);
  INSERT INTO parts SELECT g, 'p' FROM generate_series(0, 599) g;
  CREATE TABLE noise (id int PRIMARY KEY, body text);
  INSERT INTO noise SELECT g, 'n' FROM generate_series(1, 100) g;`;

/** What is done, and its statements; those without a name here are harmless. */
const accidents: readonly (readonly [string, string])[] = [
  ["delete all", "DELETE FROM orders"],
  ["few", "DELETE FROM orders_copy WHERE id <= 10"],
  ["put back", "INSERT INTO orders_copy SELECT g, 'again' FROM generate_series(1, 10) g"],
  ["update all", "UPDATE orders_copy SET body = body || '!'"],
  ["truncate", "TRUNCATE items"],
  ["truncate and load", "TRUNCATE items; INSERT INTO items SELECT g, 'new' FROM generate_series(1, 100) g"],
  ["undone", "SAVEPOINT s; DROP TABLE named; ROLLBACK TO s"],
  ["vacuum full", "VACUUM FULL plain"],
  ["rename", "ALTER TABLE named RENAME TO renamed"],
  ["index", "CREATE INDEX ON items (body)"],
  ["rename and drop", "DROP TABLE renamed"],
  ["drop", "DROP TABLE plain"],
  ["making a young one", "CREATE TABLE young AS SELECT g AS id FROM generate_series(1, 50) g"],
  ["younger than the backup", "DROP TABLE young"],
  ["two at once", "DROP TABLE first; TRUNCATE second"],
  ["in a subtransaction", "SAVEPOINT s; DELETE FROM second_rows WHERE id <= 700; RELEASE s"],
  ["partition", "DELETE FROM parts WHERE id < 600"],
  ["another partition", "CREATE TABLE parts_b PARTITION OF parts FOR VALUES FROM (1000) TO (2000)"],
  ["partition truncated", "TRUNCATE parts"],
  ["prepared", "DROP TABLE held; PREPARE TRANSACTION 'p'"],
  [
    "odd",
    'CREATE SCHEMA "Odd schema"; CREATE TABLE "Odd schema"."inner" (id int); INSERT INTO "Odd schema"."inner" VALUES (1)',
  ],
  ["schema", 'DROP SCHEMA "Odd schema" CASCADE'],
];

/** Runs the statements as one transaction; its number. */
async function transact(client: pg.Client, sql: string): Promise<number> {
  if (sql.startsWith("VACUUM")) {
    const { rows } = await client.query<{ xid: string }>("SELECT txid_current()::text AS xid");
    await client.query(sql);
    // One after the one that asked, unless the noise came between; the test then finds it by what it did.
    return Number(rows[0]?.xid) + 1;
  }
  await client.query("BEGIN");
  const { rows } = await client.query<{ xid: string }>("SELECT txid_current()::text AS xid");
  await client.query(sql);
  await client.query(sql.includes("PREPARE") ? "COMMIT PREPARED 'p'" : "COMMIT");
  return Number(rows[0]?.xid);
}

/** Small transactions from another session, as pgbench makes them. */
async function startNoise(server: TestServer) {
  const client = await server.client({ database: "shop" });
  let isStopping = false;
  let count = 0;
  let wanted = 0;
  let wake: () => void = () => undefined;
  const running = (async () => {
    while (!isStopping) {
      if (count >= wanted) await new Promise<void>((resolve) => (wake = resolve));
      if (isStopping) break;
      await client.query(
        `UPDATE noise SET body = body || 'x' WHERE id = ${(count % 100) + 1};
         DELETE FROM noise WHERE id = ${(count % 50) + 1}; INSERT INTO noise VALUES (${(count % 50) + 1}, 'n')`,
      );
      count++;
    }
  })();
  return {
    advance: async (by: number) => {
      wanted += by;
      wake();
      await new Promise<void>((resolve) => {
        const look = () => (count >= wanted ? resolve() : setImmediate(look));
        look();
      });
    },
    stop: async () => {
      isStopping = true;
      wake();
      await running;
      await client.end();
    },
  };
}

async function segmentsOf(server: TestServer): Promise<WalStretchSegment[]> {
  const [row] = await server.query<{ lsn: string }>("SELECT pg_current_wal_flush_lsn()::text AS lsn");
  const to = parseLsn(row?.lsn ?? "");
  const folder = join(server.dataDir, "pg_wal");
  const found: WalStretchSegment[] = [];
  for (const name of (await readdir(folder)).sort()) {
    const place = parseWalSegmentName(name, segmentSizeBytes);
    if (place === null || place.startLsn >= to) continue;
    const bytes = await readFile(join(folder, name));
    found.push({ ...place, read: () => each([bytes.subarray(0, 300_000), bytes.subarray(300_000)]) });
  }
  return found;
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}
