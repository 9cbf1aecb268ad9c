import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestServer, testServer } from "@tidemark/testkit";
import { describe, expect, it } from "vitest";
import { type PageKind, pageKindOf } from "./page-kind.ts";
import { samePage } from "./page-masks.ts";

const blockSize = 8192;

describe.each([13, 18] as const)("page masks against a server of %i", (major) => {
  it("see through hint bits and killed index entries, and see every real change, in each kind of relation", async () => {
    // Without checksums and wal_log_hints, hint bits leave no WAL at all.
    await using server = await testServer({ major, checksums: false, settings: { autovacuum: false } });
    await makeRelations(server);
    const before = await readRelations(server);
    await setHints(server);
    const hinted = await readRelations(server);
    const kinds = new Set<PageKind>();
    for (const [name, bytes] of before) {
      for (const page of pagesOf(bytes)) kinds.add(pageKindOf(page));
      expect(differences(bytes, hinted.get(name), major), name).toEqual([]);
    }
    for (const name of ["rows", "rows_btree", "rows_hash", "rows_gist"]) {
      expect(Buffer.compare(before.get(name) as Uint8Array, hinted.get(name) as Uint8Array), `${name}, raw`).not.toBe(
        0,
      );
    }
    expect([...kinds].sort()).toEqual(expect.arrayContaining([...allKinds]));

    await server.query(
      "INSERT INTO rows SELECT g, point(g, g), ARRAY[g, g + 1], g::text FROM generate_series(9001, 9400) g",
    );
    await server.query("SELECT nextval('numbers')");
    await server.query("SELECT brin_summarize_new_values('rows_brin')");
    const changed = await readRelations(server);
    for (const [name, bytes] of hinted) {
      expect(differences(bytes, changed.get(name), major).length, name).toBeGreaterThan(0);
    }
  });
});

const allKinds: readonly PageKind[] = ["brin", "btree", "gin", "gist", "hash", "heap", "other", "sequence", "spgist"];

async function makeRelations(server: TestServer): Promise<void> {
  for (const statement of [
    "CREATE EXTENSION bloom",
    "CREATE TABLE rows (id int, place point, list int[], word text)",
    "CREATE INDEX rows_btree ON rows (id)",
    "CREATE INDEX rows_hash ON rows USING hash (id)",
    "CREATE INDEX rows_gist ON rows USING gist (place)",
    "CREATE INDEX rows_spgist ON rows USING spgist (word)",
    "CREATE INDEX rows_gin ON rows USING gin (list) WITH (fastupdate = off)",
    "CREATE INDEX rows_brin ON rows USING brin (id) WITH (pages_per_range = 2)",
    "CREATE INDEX rows_bloom ON rows USING bloom (id)",
    "CREATE SEQUENCE numbers",
    "SELECT nextval('numbers')",
    "INSERT INTO rows SELECT g, point(g, g), ARRAY[g, g + 1], g::text FROM generate_series(1, 3000) g",
    "DELETE FROM rows WHERE id % 3 = 0",
    // Pruning what was deleted is a real change; what comes after it has no hint bits yet.
    "SELECT count(*) FROM rows",
    "INSERT INTO rows SELECT g, point(g, g), ARRAY[g, g + 1], g::text FROM generate_series(6001, 6300) g",
  ]) {
    await server.query(statement);
  }
}

/** Reading sets hint bits in the heap and kills dead entries in the indexes that can do so. */
async function setHints(server: TestServer): Promise<void> {
  const client = await server.client();
  await client.query("SELECT count(*) FROM rows");
  await client.query("SET enable_seqscan = off; SET enable_bitmapscan = off");
  await client.query("CREATE TEMP TABLE wanted AS SELECT g AS id FROM generate_series(1, 3000, 3) g");
  for (const only of ["rows_btree", "rows_hash"]) {
    const other = only === "rows_btree" ? "rows_hash" : "rows_btree";
    await client.query("BEGIN");
    await client.query(`UPDATE pg_index SET indisvalid = false WHERE indexrelid = '${other}'::regclass`);
    for (let turn = 0; turn < 2; turn++) {
      for (let id = 3; id <= 300; id += 3) await client.query(`SELECT id FROM rows WHERE id = ${id}`);
    }
    await client.query("ROLLBACK");
  }
  for (let id = 3; id <= 300; id += 3) {
    await client.query(`SELECT id FROM rows WHERE place <@ box '(${id}.5,${id}.5),(${id - 1}.5,${id - 1}.5)'`);
    await client.query(`SELECT id FROM rows WHERE place <@ box '(${id}.5,${id}.5),(${id - 1}.5,${id - 1}.5)'`);
  }
}

/** Every relation of the test as it is on disk, by name. */
async function readRelations(server: TestServer): Promise<ReadonlyMap<string, Uint8Array>> {
  await server.query("CHECKPOINT");
  const rows = await server.query<{ name: string; path: string }>(
    "SELECT relname AS name, pg_relation_filepath(oid) AS path FROM pg_class WHERE relname ~ '^(rows|numbers)'",
  );
  const files = new Map<string, Uint8Array>();
  for (const { name, path } of rows) files.set(name, await readFile(join(server.dataDir, path)));
  return files;
}

function* pagesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += blockSize) yield bytes.subarray(at, at + blockSize);
}

function differences(left: Uint8Array, right: Uint8Array | undefined, major: number): readonly number[] {
  const [lefts, rights] = [[...pagesOf(left)], [...pagesOf(right ?? new Uint8Array(0))]];
  const blocks = Array.from({ length: Math.max(lefts.length, rights.length) }, (_, block) => block);
  const zeros = new Uint8Array(blockSize);
  return blocks.filter(
    (block) => !samePage(lefts[block] ?? zeros, rights[block] ?? zeros, { fork: "main", block, major }),
  );
}
