import { type ArchivedMoment, findArchivedMoments } from "@tidemark/engine";
import type { FindMomentResult } from "@tidemark/jobs";
import { formatLsn, type Lsn } from "@tidemark/postgres";
import { requireServer } from "../open-server.ts";
import { withReadableArea } from "../readable-area.ts";
import type { RunHandler } from "../run-context.ts";

/** Searches the archived WAL; the server itself is not asked, and nothing is written. */
export const findMomentHandler: RunHandler<"find-moment"> = async ({ request, control, deps }) => {
  const server = await requireServer(deps, request.serverId);
  const { serverId: _, from, to, ...rest } = request;
  const question = { ...rest, from: new Date(from), to: new Date(to) };
  const report = await withReadableArea(deps, server, control, (area) =>
    findArchivedMoments({ area, clock: deps.clock }, question, control),
  );
  const result: FindMomentResult = {
    moments: report.moments.map(momentOf),
    backupIds: [...report.backupIds],
    earlierCluster: report.isEarlierCluster,
    readBytes: String(report.readBytes),
    transactions: report.transactions,
    readUntil: report.readUntil?.toISOString() ?? null,
    limits: [...report.limits],
  };
  return { kind: "done", result, message: summary(result) };
};

function momentOf(moment: ArchivedMoment): FindMomentResult["moments"][number] {
  const { xid, commitAt, commitLsn, timeline, restorable, changes } = moment;
  return {
    xid,
    commitAt: commitAt.toISOString(),
    commitLsn: formatLsn(commitLsn as Lsn),
    timeline,
    restorable,
    changes: changes.map(({ kind, relation, rows }) => ({
      kind,
      schema: relation?.schema ?? null,
      name: relation?.name ?? null,
      rows,
    })),
  };
}

function summary({ moments, transactions, limits }: FindMomentResult): string {
  const found = moments.length === 0 ? "nothing of the kind" : plural(moments.length, "moment");
  const open = limits.length === 0 ? "" : `; ${limits.join("; ")}`;
  return `found ${found} among ${plural(transactions, "transaction")}${open}`;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
