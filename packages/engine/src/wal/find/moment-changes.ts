import type { RelationNames, RelationRow, TransactionEnd } from "@tidemark/postgres";
import type { TransactionTally } from "./open-transactions.ts";

/**
 * What happened to a relation. `rewritten`: it goes on in another file that was filled by the same transaction (TRUNCATE
 * and a new load, or harmless: VACUUM FULL, CLUSTER, a changed column type).
 */
export type MomentChangeKind = "database-dropped" | "dropped" | "truncated" | "deleted" | "updated" | "rewritten";

export interface MomentChange {
  readonly kind: MomentChangeKind;
  /** Null for a dropped database. */
  readonly relation: { readonly oid: number; readonly schema: string; readonly name: string } | null;
  /** Rows deleted or updated; null where the WAL does not count them. */
  readonly rows: number | null;
}

/** Which changes are wanted. */
export interface MomentFilter {
  readonly database: string;
  /** With its partitions and heirs; null: any table of the database but the system's. */
  readonly relation: { readonly schema: string; readonly name: string } | null;
  /** So many deleted or updated rows of a relation are many. */
  readonly leastRows: number;
}

interface Committed {
  readonly names: RelationNames;
  readonly end: TransactionEnd;
  readonly tally: TransactionTally;
  readonly xids: readonly number[];
  readonly filter: MomentFilter;
}

/**
 * The wanted changes of a transaction that committed, the gravest first. Tells `names` that it did: relations go by the
 * names they had before it.
 */
export function momentChanges({ names, end, tally, xids, filter }: Committed): MomentChange[] {
  const changes: MomentChange[] = tally.droppedDatabase
    ? [{ kind: "database-dropped", relation: null, rows: null }]
    : [];
  const isWanted = wantedRelations(names, filter);
  const add = (kind: MomentChangeKind, row: RelationRow | null, rows: number | null) => {
    if (row === null || !isWanted(row)) return;
    changes.push({ kind, relation: { oid: row.oid, schema: names.schemaOf(row), name: row.name }, rows });
  };
  for (const { file, deleted, updated } of tally.files.values()) {
    if (deleted >= filter.leastRows) add("deleted", names.byFile(file), deleted);
    if (updated >= filter.leastRows) add("updated", names.byFile(file), updated);
  }
  const lost = end.droppedFiles.flatMap((file) => names.byFile(file) ?? []);
  const { dropped, replaced } = names.commit(xids);
  for (const row of dropped) add("dropped", row, null);
  for (const { before, after } of replaced) add(isFilled(tally, after) ? "rewritten" : "truncated", before, null);
  // Where rows of pg_class could not be followed: what the commit itself says of files.
  const told = new Set([...dropped, ...replaced.map(({ before }) => before)].map(({ oid }) => oid));
  for (const row of lost) if (!told.has(row.oid)) add(guessedKind(row, end, tally), row, null);
  return changes.sort((left, right) => gravity.indexOf(left.kind) - gravity.indexOf(right.kind));
}

const gravity: readonly MomentChangeKind[] = [
  ...(["database-dropped", "dropped", "truncated", "deleted", "updated", "rewritten"] as const),
];

/** Tables and what is like them: no indexes, no TOAST, no sequences. */
const tableKinds = "rmp";
const systemSchemas = /^(?:pg_catalog|pg_toast|information_schema|pg_temp_\d+|pg_toast_temp_\d+)$/;

/** Asked before the transaction's own changes count: a relation is meant by the name it had. */
function wantedRelations(names: RelationNames, { relation }: MomentFilter): (row: RelationRow) => boolean {
  const isTable = (row: RelationRow) => tableKinds.includes(row.kind);
  if (relation === null) return (row) => isTable(row) && !systemSchemas.test(names.schemaOf(row));
  const wanted = names.find(relation.schema, relation.name);
  return (row) => wanted !== null && isTable(row) && names.isWithin(row.oid, wanted.oid);
}

/** The number of a file that was just made is the transaction's own, whatever its tablespace. */
function isFilled({ created }: TransactionTally, { relNumber }: RelationRow): boolean {
  return [...created.values()].some(({ file, hasRows }) => file.relNumber === relNumber && hasRows);
}

/** Statistics go with a drop (15+). Before, a transaction that made no files cannot have put one in the other's place. */
function guessedKind(row: RelationRow, end: TransactionEnd, { created }: TransactionTally): MomentChangeKind {
  const isDropped = end.droppedStatistics.some(
    ({ kind, objectId }) => kind === relationStatistics && objectId === BigInt(row.oid),
  );
  if (isDropped || created.size === 0) return "dropped";
  return [...created.values()].some(({ hasRows }) => hasRows) ? "rewritten" : "truncated";
}

/** PGSTAT_KIND_RELATION (src/include/pgstat.h, 15 to 18). */
const relationStatistics = 2;
