import type { HistoryStep } from "./history-step.ts";
import { type SeededRandom, seededRandom } from "./seeded-random.ts";
import { type ModelTable, tableSteps } from "./table-steps.ts";

/** What the generator knows of the server: enough to say only what can be done. */
export interface HistoryModel {
  readonly tables: ModelTable[];
  hasSide: boolean;
  tablesMade: number;
  /** For `same-number`: object numbers far above what the server gives. */
  nextOid: number;
}

export interface HistoryPlan {
  readonly seed: number;
  readonly steps: readonly HistoryStep[];
}

/**
 * The first `length` steps of the history of a seed, and a backup behind them. Shorter histories of a seed are beginnings of
 * longer ones, so that a failure can be made smaller by its length.
 */
export function generateHistory(seed: number, length: number): HistoryPlan {
  const random = seededRandom(seed);
  const model: HistoryModel = { tables: [], hasSide: false, tablesMade: 0, nextOid: 100_000_000 };
  const steps: HistoryStep[] = [];
  let sinceBackup = 0;
  const backupEvery = 2 + random.below(5);
  const full: HistoryStep = { kind: "backup", reading: "full", restored: false };
  // Some content first, or the first backups have nothing to hold on to.
  while (steps.length < length) {
    const isDue = steps.length === 3 || (steps.length > 3 && ++sinceBackup > backupEvery);
    if (isDue) sinceBackup = 0;
    if (steps.length < 3) steps.push(...tableSteps.create(model, random));
    else if (steps.length === 3) steps.push(full);
    else if (isDue) steps.push(backupStep(random));
    else steps.push(...nextStep(model, random));
  }
  steps.length = length;
  if (steps.at(-1)?.kind !== "backup") steps.push({ kind: "backup", reading: "auto", restored: false });
  return { seed, steps };
}

function backupStep(random: SeededRandom): HistoryStep {
  return { kind: "backup", reading: random.onceIn(12) ? "full" : "auto", restored: random.onceIn(8) };
}

function nextStep(model: HistoryModel, random: SeededRandom): readonly HistoryStep[] {
  if (model.tables.length === 0) return tableSteps.create(model, random);
  const make = random.weighted<(model: HistoryModel, random: SeededRandom) => readonly HistoryStep[]>([
    [model.tables.length < 6 ? 6 : 1, tableSteps.create],
    [12, tableSteps.insert],
    [14, tableSteps.copy],
    [10, tableSteps.update],
    [12, tableSteps.deleteTail],
    [5, tableSteps.deleteSome],
    [12, tableSteps.vacuum],
    [10, tableSteps.shrinkAndGrow],
    [5, tableSteps.rewrite],
    [4, tableSteps.truncate],
    [3, tableSteps.drop],
    [3, tableSteps.dropAndRecreate],
    [7, tableSteps.index],
    [3, tableSteps.rollBack],
    [4, tableSteps.readAll],
    [3, tableSteps.move],
    [3, tableSteps.persistence],
    [4, tableSteps.sequence],
    [2, sameNumber],
    [4, sideDatabase],
    [4, () => [{ kind: "crash" }]],
    [2, () => [{ kind: "restart" }]],
    [4, wholeServer],
    [5, cutBetweenBackups],
  ]);
  return make(model, random);
}

/**
 * What brings rows back where limits are not heeded, close together: long enough at one backup, cut, and grown again by less before
 * the next, whose unused pages nobody fills meanwhile. Now and then a checkpoint puts cut and growth into two summaries.
 */
function cutBetweenBackups(model: HistoryModel, random: SeededRandom): readonly HistoryStep[] {
  const table = random.pick(model.tables);
  const only: HistoryModel = { ...model, tables: [table] };
  const long: HistoryStep = { kind: "backup", reading: "auto", restored: false };
  const checkpoint: HistoryStep = { kind: "sql", what: "checkpoint", where: "postgres", statements: ["CHECKPOINT"] };
  const grown = tableSteps.copyMany(only, random);
  const between = [...tableSteps.cut(only, random), ...(random.onceIn(2) ? [checkpoint] : [])];
  const regrown = tableSteps.copyFew(only, random);
  return [...grown, long, ...between, ...regrown, { ...long, restored: random.onceIn(4) }];
}

function sameNumber(model: HistoryModel, random: SeededRandom): readonly HistoryStep[] {
  const plain = model.tables.filter((table) => table.isBare);
  if (plain.length === 0) return tableSteps.create(model, random, true);
  const table = random.pick(plain);
  const rows = random.below(4000);
  model.nextOid += 10;
  table.indexes.length = 0;
  table.nextId = rows + 1;
  return [{ kind: "same-number", table: table.name, rows, oid: model.nextOid }];
}

function sideDatabase(model: HistoryModel, random: SeededRandom): readonly HistoryStep[] {
  const sql = (what: string, statements: readonly string[], where: "postgres" | "side" = "postgres") => [
    { kind: "sql", what, where, statements } as const,
  ];
  if (!model.hasSide) {
    model.hasSide = true;
    const strategy = random.pick(["wal_log", "file_copy"]);
    const template = random.pick(["{db}", "template0", "template1"]);
    return sql(`create the side database (${strategy}, of ${template})`, [
      `CREATE DATABASE {side} TEMPLATE ${template} STRATEGY ${strategy}`,
    ]);
  }
  const act = random.below(4);
  if (act === 0) {
    model.hasSide = false;
    return sql("drop the side database", ["DROP DATABASE {side}"]);
  }
  if (act === 1) {
    const to = random.pick(["fast", "pg_default"]);
    return sql(`move the side database to ${to}`, [`ALTER DATABASE {side} SET TABLESPACE ${to}`]);
  }
  const rows = 1 + random.below(2000);
  const statements = [
    "CREATE TABLE IF NOT EXISTS aside (id bigint, body text)",
    `INSERT INTO aside SELECT g, repeat(md5(g::text), 1 + g % 9) FROM generate_series(1, ${rows}) g`,
    ...(act === 2 ? ["DELETE FROM aside WHERE id > 100", "VACUUM aside"] : []),
  ];
  return sql(
    `${rows} rows into the side database${act === 2 ? ", most deleted and vacuumed" : ""}`,
    statements,
    "side",
  );
}

function wholeServer(_model: HistoryModel, random: SeededRandom): readonly HistoryStep[] {
  const [what, statements] = random.pick([
    ["checkpoint", ["CHECKPOINT"]],
    ["switch WAL", ["SELECT pg_switch_wal()"]],
    ["turn WAL compression on", ["ALTER SYSTEM SET wal_compression = on", "SELECT pg_reload_conf()"]],
    ["turn WAL compression off", ["ALTER SYSTEM RESET wal_compression", "SELECT pg_reload_conf()"]],
    ["vacuum everything", ["VACUUM"]],
    ["freeze everything", ["VACUUM FREEZE"]],
    ["analyze", ["ANALYZE"]],
  ] as const);
  return [{ kind: "sql", what, where: what === "checkpoint" ? "postgres" : "db", statements }];
}
