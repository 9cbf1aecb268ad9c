import { formatDuration } from "@tidemark/kit";
import { throwIfCancelled } from "../act.ts";
import {
  ask,
  catalogQuestionMs,
  type DatabaseWork,
  type DrillCheck,
  failedCheck,
  plainCheck,
} from "./drill-question.ts";
import type { DrillSession } from "./drill-sql.ts";

/**
 * bt_index_check over the B-trees, smallest first. An index ordered by a collation of another version than this
 * machine's may look wrong without being damaged, so it is left out and counted.
 */
export async function checkBtrees(work: DatabaseWork, checks: DrillCheck[]): Promise<void> {
  const label = `B-trees of ${work.database}`;
  const available = await work.session.query(
    "SELECT name::text FROM pg_available_extensions WHERE name = 'amcheck'",
    [],
    catalogQuestionMs,
  );
  if (available.length === 0) {
    checks.push(plainCheck(label, true, "not checked: these PostgreSQL programs bring no amcheck"));
    return;
  }
  const added = await ask(work, "CREATE EXTENSION IF NOT EXISTS amcheck SCHEMA pg_catalog");
  if (added.kind !== "answered") {
    checks.push(
      plainCheck(
        label,
        true,
        `not checked: amcheck could not be added${added.kind === "failed" ? ` (${added.message})` : ""}`,
      ),
    );
    return;
  }
  const schema = await amcheckSchema(work.session);
  const indexes = await work.session.query(
    btreeQuery(await hasDatabaseCollationVersion(work.session)),
    [],
    catalogQuestionMs,
  );
  const counts = { checked: 0, otherCollation: 0, "missing-library": 0, late: 0 };
  for (const { oid, name, comparable } of indexes) {
    throwIfCancelled(work.signal);
    if (comparable !== "true") {
      counts.otherCollation++;
      continue;
    }
    const answer = await ask(work, `SELECT ${schema}.bt_index_check(index => $1::oid::regclass)::text AS answer`, [
      oid ?? "",
    ]);
    if (answer.kind === "answered") counts.checked++;
    else if (answer.kind === "failed") checks.push(failedCheck(`B-tree ${name} of ${work.database}`, answer));
    else counts[answer.kind]++;
  }
  const parts = [`${counts.checked} checked`];
  if (counts.otherCollation > 0)
    parts.push(`${counts.otherCollation} left out (their collation may be of another version here)`);
  if (counts["missing-library"] > 0)
    parts.push(`${counts["missing-library"]} left out (they need an extension that is missing here)`);
  if (counts.late > 0) parts.push(`${counts.late} not reached within ${formatDuration(work.budgetMs)}`);
  checks.push(plainCheck(label, true, parts.join(", ")));
}

/** It may have been there already, in any schema. (The copy is thrown away, so adding it harmed nobody.) */
async function amcheckSchema(session: DrillSession): Promise<string> {
  const rows = await session.query(
    "SELECT quote_ident(n.nspname) AS name FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'amcheck'",
    [],
    catalogQuestionMs,
  );
  return rows[0]?.name ?? "pg_catalog";
}

/** pg_database.datcollversion came with 15. */
async function hasDatabaseCollationVersion(session: DrillSession): Promise<boolean> {
  const rows = await session.query(
    "SELECT attname::text FROM pg_attribute WHERE attrelid = 'pg_database'::regclass AND attname = 'datcollversion'",
    [],
    catalogQuestionMs,
  );
  return rows.length > 0;
}

/** They sort by code point wherever they are. */
const plainCollations = "'C', 'POSIX', 'C.UTF-8', 'C.utf8'";

/**
 * Every usable B-tree with whether its collations sort here as they did there: none, a plain one, the
 * database's default (100) when that is plain or of the same version, any other of the same version.
 */
function btreeQuery(hasDatabaseVersion: boolean): string {
  const sameDefault = hasDatabaseVersion ? "OR d.datcollversion = pg_database_collation_actual_version(d.oid)" : "";
  return `
    SELECT i.indexrelid::text AS oid, i.indexrelid::regclass::text AS name, coalesce((
      SELECT bool_and(coalesce(coll = 0 OR co.collcollate IN (${plainCollations})
        OR (coll = 100 AND EXISTS (SELECT 1 FROM pg_database d WHERE d.datname = current_database()
              AND (d.datcollate IN (${plainCollations}) ${sameDefault})))
        OR (coll <> 100 AND co.collversion = pg_collation_actual_version(co.oid)), false))
      FROM unnest(i.indcollation::oid[]) AS coll LEFT JOIN pg_collation co ON co.oid = coll), true)::text AS comparable
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
    WHERE a.amname = 'btree' AND c.relkind = 'i' AND c.relpersistence = 'p' AND i.indisvalid AND i.indisready
    ORDER BY c.relpages, c.oid`;
}
