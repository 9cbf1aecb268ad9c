import { cp, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { Secret } from "@tidemark/kit";
import { findPostgres, findPostmaster, type PostgresInstallation } from "@tidemark/local-postgres";
import { postgresCacheDir, type TempDir, tempDir } from "@tidemark/testkit";
import pg from "pg";
import { afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { clusterPlace } from "./cluster-place.ts";
import { type EmbeddedDatabase, startEmbeddedDatabase } from "./embedded-database.ts";
import { exists, prepareHome } from "./home.ts";

// Run by an ordinary user the cluster lies in the home and goes where the home goes; the stories then hold by themselves.
const isRoot = process.getuid?.() === 0;

let postgres: PostgresInstallation;
let dir: TempDir;
const made: string[] = [];

beforeAll(async () => {
  postgres = await findPostgres(18, { cacheDir: postgresCacheDir() });
});
beforeEach(async () => {
  dir = await tempDir("cluster-place");
});
afterEach(async () => {
  for (const path of made.splice(0)) await rm(path, { recursive: true, force: true });
  await dir[Symbol.asyncDispose]();
});

async function startIn(home: string): Promise<EmbeddedDatabase> {
  const database = await startEmbeddedDatabase(postgres, await prepareHome(home));
  for (const path of [database.relocatedTo, database.setAside]) if (path !== null) made.push(path, `${path}.owner`);
  return database;
}

async function query(database: EmbeddedDatabase, sql: string): Promise<readonly unknown[]> {
  const client = new pg.Client({ connectionString: database.url.reveal() });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

async function leaveRow(home: string): Promise<void> {
  const database = await startIn(home);
  await query(database, "CREATE TABLE kept AS SELECT 42 AS answer");
  await database.cluster.stop();
}

it("begins anew in a home that was deleted, and puts the old database aside instead of using or losing it", async () => {
  const home = dir.join("home");
  await leaveRow(home);
  await rm(home, { recursive: true });
  const database = await startIn(home);
  expect(await query(database, "SELECT to_regclass('kept') AS kept")).toEqual([{ kept: null }]);
  expect(database.setAside === null).toBe(!isRoot);
  await database.cluster.stop();
});

it("finds the database of a home that was moved", async () => {
  await leaveRow(dir.join("home"));
  await rename(dir.join("home"), dir.join("moved"));
  const database = await startIn(dir.join("moved"));
  expect(await query(database, "SELECT answer FROM kept")).toEqual([{ answer: 42 }]);
  await database.cluster.stop();
});

it.runIf(isRoot)("refuses a copy of a home whose original is still there, and names it", async () => {
  await leaveRow(dir.join("home"));
  await cp(dir.join("home"), dir.join("copy"), { recursive: true });
  await expect(startIn(dir.join("copy"))).rejects.toMatchObject({ code: "home-in-use" });
});

it.runIf(isRoot)("says so when its database is gone, and makes no empty one in silence", async () => {
  const home = dir.join("home");
  const database = await startIn(home);
  await database.cluster.stop();
  await rm(database.relocatedTo ?? "", { recursive: true });
  await expect(startIn(home)).rejects.toMatchObject({ code: "cluster-missing" });
});

it("leaves no server running when it cannot log in to its own", async () => {
  const home = dir.join("home");
  await leaveRow(home);
  const paths = await prepareHome(home);
  const database = await startIn(home);
  await query(database, "ALTER ROLE tidemark PASSWORD 'another'");
  const { dataDir } = database.cluster;
  await database.cluster.stop();
  await expect(startEmbeddedDatabase(postgres, paths)).rejects.toThrow(/password/);
  expect(await findPostmaster(dataDir)).toBeNull();
});

it.runIf(isRoot)("removes the demo of a deleted home whole, also after a removal that died half-way", async () => {
  const paths = await prepareHome(dir.join("home"));
  const request = {
    home: paths.root,
    preferred: `${paths.demo}/data`,
    record: `${paths.demo}/data.place`,
    leftover: "remove",
  } as const;
  const first = await clusterPlace({ ...request, password: new Secret("first") });
  made.push(dirname(first.dataDir));
  for (const folder of [first.dataDir, `${first.dataDir}.removing`]) {
    await mkdir(folder);
    await writeFile(`${folder}/PG_VERSION`, "18\n");
  }
  const second = await clusterPlace({ ...request, password: new Secret("second") });
  expect(second).toMatchObject({ dataDir: first.dataDir, isNew: true, setAside: null });
  expect([await exists(first.dataDir), await exists(`${first.dataDir}.removing`)]).toEqual([false, false]);
});
