import { z } from "zod";
import { formatInstant, lowerState, type Output } from "./output.ts";

const Moment = z.object({
  xid: z.string(),
  commitAt: z.string(),
  commitLsn: z.string(),
  timeline: z.number(),
  restorable: z.boolean(),
  changes: z.array(
    z.object({
      kind: z.string(),
      schema: z.string().nullable(),
      table: z.string().nullable(),
      rows: z.number().nullable(),
    }),
  ),
});

export const FoundMoments = z.object({
  moments: z.array(Moment),
  limits: z.array(z.string()),
  earlierCluster: z.boolean(),
  readBytes: z.string(),
  transactions: z.number(),
  readUntil: z.string().nullable(),
});
export type FoundMoments = z.infer<typeof FoundMoments>;

export const foundMomentsFields = `moments { xid commitAt commitLsn timeline restorable changes { kind schema table rows } }
  limits earlierCluster readBytes transactions readUntil`;

/** The command that restores a server to just before a moment. A transaction's number names it in the present cluster only. */
export function restoreBefore(
  server: string,
  { xid, commitAt, timeline }: FoundMoments["moments"][number],
  { earlierCluster }: Pick<FoundMoments, "earlierCluster">,
): string {
  const target = earlierCluster ? `--target-time ${commitAt}` : `--target-xid ${xid}`;
  return `tidemark restore run ${server} ${target} --target-exclusive --target-timeline ${timeline} --to DIR`;
}

/** For people: each moment with what was done and the command that goes back to before it; what is not whole to standard error. */
export function printMoments(output: Output, server: string, found: FoundMoments): void {
  const { moments, limits, transactions } = found;
  if (moments.length === 0) output.note(`nothing of the kind was found among ${count(transactions, "transaction")}\n`);
  for (const moment of moments) {
    const { commitAt, xid, commitLsn, timeline, restorable } = moment;
    output.write(`${formatInstant(commitAt)}  transaction ${xid}  ${commitLsn}  timeline ${timeline}\n`);
    for (const change of moment.changes) output.write(`  ${sayChange(change)}\n`);
    output.write(
      restorable
        ? `  ${restoreBefore(server, moment, found)}\n`
        : "  it cannot be undone: the first backup was being taken then, and nothing earlier is there\n",
    );
  }
  for (const limit of limits) output.note(`${limit}\n`);
}

/** For scripts. */
export function momentsJson(server: string, run: { readonly id: string; readonly state: string }, found: FoundMoments) {
  return {
    id: run.id,
    state: lowerState(run.state),
    server,
    ...found,
    moments: found.moments.map((moment) => ({
      ...moment,
      changes: moment.changes.map((change) => ({ ...change, kind: lowerState(change.kind) })),
      restore: moment.restorable ? restoreBefore(server, moment, found) : null,
    })),
  };
}

function sayChange({ kind, schema, table, rows }: FoundMoments["moments"][number]["changes"][number]): string {
  const name = `${schema}.${table}`;
  switch (kind) {
    case "DATABASE_DROPPED":
      return "dropped the database";
    case "DELETED":
      return `deleted ${rows === null ? "rows" : count(rows, "row")} of ${name}`;
    case "UPDATED":
      return `updated ${rows === null ? "rows" : count(rows, "row")} of ${name}`;
    case "REWRITTEN":
      return `filled ${name} anew (TRUNCATE and a load, or harmless: VACUUM FULL, CLUSTER, a changed column type)`;
    default:
      return `${lowerState(kind)} ${name}`;
  }
}

function count(amount: number, noun: string): string {
  return `${amount.toLocaleString("en")} ${noun}${amount === 1 ? "" : "s"}`;
}
