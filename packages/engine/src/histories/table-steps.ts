import type { HistoryModel } from "./generate-history.ts";
import type { HistoryStep, IndexKind } from "./history-step.ts";
import type { SeededRandom } from "./seeded-random.ts";

export interface ModelTable {
  readonly name: string;
  /** Of two columns of fixed length, without a TOAST table: what `same-number` can make again. */
  readonly isBare: boolean;
  readonly indexes: IndexKind[];
  nextId: number;
}

type MakeSteps = (model: HistoryModel, random: SeededRandom) => readonly HistoryStep[];

/** What can happen to one table. */
export const tableSteps = {
  create: (model: HistoryModel, random: SeededRandom, bare = random.onceIn(5)): readonly HistoryStep[] => {
    const name = `t${++model.tablesMade}`;
    const table: ModelTable = { name, isBare: bare, indexes: [], nextId: 1 };
    model.tables.push(table);
    const unlogged = !bare && random.onceIn(8);
    const fillfactor = random.pick([100, 100, 70, 30]);
    const place = random.onceIn(5) ? " TABLESPACE fast" : "";
    const statements = [
      `CREATE ${unlogged ? "UNLOGGED " : ""}TABLE ${name} (${bare ? bareColumns : columns}) WITH (fillfactor = ${fillfactor})${place}`,
      ...(bare ? [] : [`ALTER TABLE ${name} ALTER long SET STORAGE ${random.pick(["external", "extended", "main"])}`]),
      insertion(table, random.below(3000)),
    ];
    const kind = `${unlogged ? "unlogged, " : ""}${bare ? "bare, " : ""}fillfactor ${fillfactor}${place.toLowerCase()}`;
    return sql(`create ${name} (${kind}) with ${table.nextId - 1} rows`, statements);
  },

  insert: about((table, random) => {
    const rows = 1 + random.below(random.onceIn(3) ? 3000 : 60);
    return sql(`insert ${rows} rows into ${table.name}`, [insertion(table, rows)]);
  }),

  copy: about((table, random) => {
    const rows = 1 + random.below(random.onceIn(4) ? 6000 : 900);
    return sql(`copy ${rows} rows into ${table.name}`, copying(table, rows));
  }),

  copyMany: about((table, random) => {
    const rows = 1000 + random.below(3000);
    return sql(`copy ${rows} rows into ${table.name}`, copying(table, rows));
  }),

  copyFew: about((table, random) => {
    const rows = 40 + random.below(600);
    return sql(`copy ${rows} rows into ${table.name}`, copying(table, rows));
  }),

  cut: about((table, random) => {
    const from = Math.floor((table.nextId * (4 + random.below(5))) / 10);
    const statements = [`DELETE FROM ${table.name} WHERE id >= ${from}`, `VACUUM ${table.name}`];
    return sql(`cut ${table.name} at row ${from} by a vacuum`, statements);
  }),

  update: about((table, random) => {
    const every = 1 + random.below(50);
    const hot = random.onceIn(2);
    const set = hot ? "stamp = stamp + 1" : "id = id + 0, grp = grp + 1, stamp = stamp + 1";
    return sql(`update one in ${every} of ${table.name}${hot ? ", HOT" : ""}`, [
      `UPDATE ${table.name} SET ${table.isBare && !hot ? "grp = grp + 1" : set} WHERE id % ${every} = 0`,
    ]);
  }),

  deleteTail: about((table, random) => {
    const from = random.below(table.nextId);
    return sql(`delete ${table.name} from row ${from}`, [`DELETE FROM ${table.name} WHERE id >= ${from}`]);
  }),

  deleteSome: about((table, random) => {
    const every = 2 + random.below(6);
    return sql(`delete one in ${every} of ${table.name}`, [`DELETE FROM ${table.name} WHERE id % ${every} = 1`]);
  }),

  vacuum: about((table, random) => {
    const how = random.pick(["", "", "(FREEZE)", "(TRUNCATE false)", "(DISABLE_PAGE_SKIPPING)", "(INDEX_CLEANUP off)"]);
    return sql(`vacuum ${how} ${table.name}`, [`VACUUM ${how} ${table.name}`]);
  }),

  /** The recipe that brings rows back where the limit blocks are not heeded. */
  shrinkAndGrow: about((table, random) => {
    const from = Math.floor((table.nextId * (1 + random.below(9))) / 10);
    const statements = [`DELETE FROM ${table.name} WHERE id >= ${from}`, `VACUUM ${table.name}`];
    const rows = 1 + random.below(1500);
    return sql(`cut ${table.name} at row ${from}, vacuum, copy ${rows} rows`, [...statements, ...copying(table, rows)]);
  }),

  rewrite: about((table, random) => {
    const [what, statement] = random.pick([
      ["vacuum full", `VACUUM FULL ${table.name}`],
      ["vacuum full and freeze", `VACUUM (FULL, FREEZE) ${table.name}`],
      ["reindex", `REINDEX TABLE ${table.name}`],
      [
        "rewrite by a new default of",
        `ALTER TABLE ${table.name} ADD COLUMN IF NOT EXISTS extra timestamptz DEFAULT clock_timestamp()`,
      ],
      ["drop what was added to", `ALTER TABLE ${table.name} DROP COLUMN IF EXISTS extra`],
    ] as const);
    if (table.indexes.includes("btree") && random.onceIn(3)) {
      return sql(`cluster ${table.name}`, [`CLUSTER ${table.name} USING ${table.name}_btree`]);
    }
    return sql(`${what} ${table.name}`, [statement]);
  }),

  truncate: about((table, random) => {
    const rows = random.below(2000);
    const sameTransaction = random.onceIn(2);
    const statements = [`TRUNCATE ${table.name}`, insertion(table, rows)];
    return sql(`truncate ${table.name} and insert ${rows} rows${sameTransaction ? " in one transaction" : ""}`, [
      ...(sameTransaction ? [`BEGIN; ${statements.join("; ")}; COMMIT`] : statements),
    ]);
  }),

  drop: about((table, _random, model) => {
    model.tables.splice(model.tables.indexOf(table), 1);
    return sql(`drop ${table.name}`, [`DROP TABLE ${table.name}`]);
  }),

  dropAndRecreate: about((table, random, model) => {
    model.tables.splice(model.tables.indexOf(table), 1);
    const again: ModelTable = { ...table, indexes: [], nextId: 1 };
    model.tables.push(again);
    return sql(`drop ${table.name} and make it again`, [
      `DROP TABLE ${table.name}`,
      `CREATE TABLE ${table.name} (${table.isBare ? bareColumns : columns})`,
      insertion(again, random.below(3000)),
    ]);
  }),

  index: about((table, random) => {
    const kinds = table.isBare ? (["btree", "hash", "brin", "bloom"] as const) : indexKinds;
    const kind = random.pick(kinds);
    const name = `${table.name}_${kind}`;
    const at = table.indexes.indexOf(kind);
    if (at !== -1) {
      table.indexes.splice(at, 1);
      return sql(`drop index ${name}`, [`DROP INDEX ${name}`]);
    }
    table.indexes.push(kind);
    return sql(`create index ${name}`, [`CREATE INDEX ${name} ON ${table.name} USING ${kind} (${indexedBy[kind]})`]);
  }),

  rollBack: about((table, random) => {
    const rows = 1 + random.below(1500);
    const statement = `BEGIN; ${insertion(table, rows)}; SAVEPOINT one; DELETE FROM ${table.name} WHERE id % 7 = 0; ROLLBACK`;
    return sql(`insert ${rows} rows into ${table.name}, delete some, and roll back`, [statement]);
  }),

  /** Sets hint bits. */
  readAll: about((table) =>
    sql(`read all of ${table.name}`, [`SELECT count(*), count(DISTINCT grp) FROM ${table.name} WHERE stamp >= 0`]),
  ),

  move: about((table, random) => {
    const to = random.pick(["fast", "pg_default"]);
    return sql(`move ${table.name} to ${to}`, [`ALTER TABLE ${table.name} SET TABLESPACE ${to}`]);
  }),

  persistence: about((table, random) => {
    const to = random.pick(["LOGGED", "UNLOGGED"]);
    return sql(`make ${table.name} ${to.toLowerCase()}`, [`ALTER TABLE ${table.name} SET ${to}`]);
  }),

  sequence: about((_table, random) => {
    const statement = random.pick([
      "SELECT nextval('numbers')",
      `SELECT count(nextval('numbers')) FROM generate_series(1, ${1 + random.below(100)})`,
      `SELECT setval('numbers', ${1 + random.below(100_000)})`,
      "ALTER SEQUENCE numbers RESTART",
      "ALTER SEQUENCE numbers CACHE 20",
    ]);
    return sql(`sequence: ${statement}`, ["CREATE SEQUENCE IF NOT EXISTS numbers", statement]);
  }),
} satisfies Readonly<Record<string, MakeSteps>>;

function about(
  make: (table: ModelTable, random: SeededRandom, model: HistoryModel) => readonly HistoryStep[],
): MakeSteps {
  return (model, random) => make(random.pick(model.tables), random, model);
}

function sql(what: string, statements: readonly string[]): readonly HistoryStep[] {
  return [{ kind: "sql", what, where: "db", statements }];
}

function insertion(table: ModelTable, rows: number): string {
  return `INSERT INTO ${table.name} ${rowsOf(table, rows)}`;
}

/** COPY extends a table by many pages at once (16 and newer), and leaves some of them unused and unlogged. */
function copying(table: ModelTable, rows: number): readonly string[] {
  const names = table.isBare ? bareNames : columnNames;
  return [`COPY (${rowsOf(table, rows)}) TO '{folder}/rows'`, `COPY ${table.name} (${names}) FROM '{folder}/rows'`];
}

/** One row in 40 is long enough for TOAST; the others differ in length by their number. */
function rowsOf(table: ModelTable, rows: number): string {
  const from = table.nextId;
  table.nextId += rows;
  const series = `generate_series(${from}::bigint, ${from + rows - 1}) g`;
  if (table.isBare) return `SELECT g, (g % 97)::int, 0 FROM ${series}`;
  const long =
    "CASE WHEN g % 40 = 0 THEN (SELECT string_agg(md5(g::text || i::text), '') FROM generate_series(1, 150) i) END";
  return `SELECT g, (g % 97)::int, 0, repeat(md5(g::text), (1 + g % 15)::int), ${long}, point(g % 1000, g % 777), ARRAY[g % 50, g % 31]::int[] FROM ${series}`;
}

const columns = "id bigint, grp int, stamp int, body text, long text, place point, list int[]";
const columnNames = "id, grp, stamp, body, long, place, list";
export const bareColumns = "id bigint, grp int, stamp int";
const bareNames = "id, grp, stamp";

const indexKinds = ["btree", "hash", "gin", "gist", "spgist", "brin", "bloom"] as const;
const indexedBy: Readonly<Record<IndexKind, string>> = {
  btree: "id",
  hash: "grp",
  gin: "list",
  gist: "place",
  spgist: "body",
  brin: "id",
  bloom: "grp",
};
