import { formatLsn } from "../files/lsn.ts";
import type { RelationPlace } from "../files/relation-file.ts";
import type { Asker } from "./asker.ts";
import type { WalSummary } from "./wal-summaries.ts";

/**
 * Which of these blocks (numbers within the relation) the given summaries name: as changed, or as lying at or beyond a
 * point where the fork was cut off. 17+. Needs: any login. Every file is read whole by the server.
 *
 * @throws AppError `server-error` when a summary is gone by now.
 */
export async function readNamedBlocks(
  asker: Asker,
  summaries: readonly WalSummary[],
  place: RelationPlace,
  blocks: readonly number[],
): Promise<ReadonlySet<number>> {
  const list = (values: readonly (string | number)[]): string => `{${values.join(",")}}`;
  const rows = await asker.query<{ block: number }>(
    question,
    [
      list(summaries.map(({ timeline }) => timeline)),
      list(summaries.map(({ startLsn }) => formatLsn(startLsn))),
      list(summaries.map(({ endLsn }) => formatLsn(endLsn))),
      String(place.tablespaceOid),
      String(place.databaseOid),
      String(place.relfilenode),
      String(forkNumbers[place.fork]),
      list(blocks),
    ],
    { timeoutMs: namedTimeoutMs },
  );
  return new Set(rows.map(({ block }) => block));
}

const question = `
  SELECT DISTINCT b.block::float8 AS block
    FROM ROWS FROM (pg_catalog.unnest($1::int8[]), pg_catalog.unnest($2::pg_catalog.pg_lsn[]),
                    pg_catalog.unnest($3::pg_catalog.pg_lsn[])) s (tli, start_lsn, end_lsn),
         LATERAL pg_catalog.pg_wal_summary_contents(s.tli, s.start_lsn, s.end_lsn) c,
         pg_catalog.unnest($8::int8[]) b (block)
   WHERE c.reltablespace = $4::oid AND c.reldatabase = $5::oid AND c.relfilenode = $6::oid
     AND c.relforknumber = $7::int2
     AND CASE WHEN c.is_limit_block THEN c.relblocknumber <= b.block ELSE c.relblocknumber = b.block END`;

/** ForkNumber of src/include/common/relpath.h. */
const forkNumbers: Readonly<Record<RelationPlace["fork"], number>> = { main: 0, fsm: 1, vm: 2, init: 3 };
const namedTimeoutMs = 600_000;
