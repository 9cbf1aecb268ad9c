import type { TestServer } from "@tidemark/testkit";
import pg from "pg";

/** What a database answers, by question. */
export type DatabaseAnswers = ReadonlyMap<string, string>;

/**
 * Reads every logged table of a database by sequential scans: how many rows, and a hash over all of them. Unlogged tables are empty
 * after recovery, as they should be.
 */
export async function readRows(server: TestServer, database: string): Promise<DatabaseAnswers> {
  return await withClient(server, database, async (client) => {
    await only(client, "seqscan");
    const answers = new Map<string, string>();
    for (const { name } of await tablesOf(client)) {
      answers.set(
        name,
        await answerOf(
          client,
          `SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') AS answer FROM ${name} t`,
        ),
      );
    }
    return answers;
  });
}

/**
 * On a restored server: what every index says against what a sequential scan says, and what amcheck says of B-trees,
 * heaps and (18) GIN indexes. What is wrong, as sentences.
 */
export async function checkIndexes(server: TestServer, database: string): Promise<readonly string[]> {
  return await withClient(server, database, async (client) => {
    const problems: string[] = [];
    await client.query("CREATE EXTENSION IF NOT EXISTS amcheck");
    for (const { table, index, kind } of await indexesOf(client)) {
      const question = questions[kind]?.(table);
      if (question === undefined) continue;
      await only(client, "seqscan");
      const expected = await answerOf(client, question);
      for (const scan of ["indexonlyscan", "bitmapscan"] as const) {
        await only(client, scan);
        const answer = await answerOf(client, question);
        if (answer !== expected) problems.push(`${index} by ${scan}: ${answer}, by seqscan: ${expected}`);
      }
    }
    problems.push(...(await askAmcheck(client, server.major)));
    return problems;
  });
}

/** Questions that an index of the kind can answer; those to B-trees by its keys alone (index-only). */
const questions: Readonly<Record<string, (table: string) => string>> = {
  btree: (table) => `SELECT count(id) || ' ' || coalesce(sum(id), 0) AS answer FROM ${table} WHERE id > 0`,
  hash: (table) => `SELECT count(*)::text AS answer FROM ${table} WHERE grp = 7`,
  bloom: (table) => `SELECT count(*)::text AS answer FROM ${table} WHERE grp = 7`,
  brin: (table) =>
    `SELECT count(*) || ' ' || coalesce(sum(id), 0) AS answer FROM ${table} WHERE id BETWEEN 100 AND 900`,
  gin: (table) => `SELECT count(*)::text AS answer FROM ${table} WHERE list @> ARRAY[7]`,
  gist: (table) => `SELECT count(*)::text AS answer FROM ${table} WHERE place <@ box '((100,100),(600,600))'`,
  spgist: (table) =>
    `SELECT count(*) || ' ' || coalesce(md5(string_agg(body, '|' ORDER BY body)), '') AS answer FROM ${table} WHERE body >= '4'`,
};

async function askAmcheck(client: pg.Client, major: number): Promise<readonly string[]> {
  const problems: string[] = [];
  const ask = async (what: string, question: string) => {
    try {
      for (const row of (await client.query<{ msg?: string }>(question)).rows) {
        if (row.msg !== undefined && row.msg !== "") problems.push(`${what}: ${row.msg}`);
      }
    } catch (error) {
      problems.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const { rows: btrees } = await client.query<{ index: string }>(indexesOfKind("btree"));
  for (const { index } of btrees) await ask(index, `SELECT bt_index_check('${index}'::regclass, true)::text AS none`);
  const { rows: heaps } = await client.query<{ heap: string }>(
    "SELECT oid::regclass::text AS heap FROM pg_class WHERE relkind IN ('r', 't', 'm') AND relpersistence = 'p'",
  );
  for (const { heap } of heaps) await ask(heap, `SELECT msg FROM verify_heapam('${heap}'::regclass)`);
  if (major < 18) return problems;
  const { rows: gins } = await client.query<{ index: string }>(indexesOfKind("gin"));
  for (const { index } of gins) await ask(index, `SELECT gin_index_check('${index}'::regclass)::text AS none`);
  return problems;
}

function indexesOfKind(kind: string): string {
  return `SELECT c.oid::regclass::text AS index FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE a.amname = '${kind}' AND c.relkind = 'i' AND c.relpersistence = 'p'`;
}

async function tablesOf(client: pg.Client): Promise<readonly { readonly name: string }[]> {
  const { rows } = await client.query<{ name: string }>(
    "SELECT oid::regclass::text AS name FROM pg_class WHERE relkind = 'r' AND relpersistence = 'p' AND relnamespace = 'public'::regnamespace ORDER BY 1",
  );
  return rows;
}

async function indexesOf(
  client: pg.Client,
): Promise<readonly { readonly table: string; readonly index: string; readonly kind: string }[]> {
  const { rows } = await client.query<{ table: string; index: string; kind: string }>(
    `SELECT i.indrelid::regclass::text AS table, c.oid::regclass::text AS index, a.amname::text AS kind
     FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
     WHERE c.relpersistence = 'p' AND c.relnamespace = 'public'::regnamespace`,
  );
  return rows;
}

/** One way of scanning; of the others nothing. A plan that is not possible is taken all the same, at a cost that does not matter. */
async function only(client: pg.Client, scan: "seqscan" | "indexonlyscan" | "bitmapscan"): Promise<void> {
  const ways = ["seqscan", "indexscan", "indexonlyscan", "bitmapscan"] as const;
  const isOn = (way: string) => way === scan || (way === "indexscan" && scan === "indexonlyscan");
  await client.query(ways.map((way) => `SET enable_${way} = ${isOn(way) ? "on" : "off"}`).join("; "));
}

async function answerOf(client: pg.Client, question: string): Promise<string> {
  const { rows } = await client.query<{ answer: string }>(question);
  return rows[0]?.answer ?? "";
}

async function withClient<T>(
  server: TestServer,
  database: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client(server.dsn({ database }));
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
