import { waitFor } from "@tidemark/testkit";
import type { ChaosStage } from "./chaos-stage.ts";
import { CommitLedger, type LedgerCommit } from "./commit-ledger.ts";
import { FlushWatch } from "./flush-watch.ts";
import { type HistoryPlace, historyPlace } from "./history-place.ts";
import type { HistoryPlan } from "./plan-history.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { strikeAll } from "./strike.ts";

/** A history that is over: its server is gone, and what is left is the repository and what was noted beside it. */
export interface PlayedHistory extends AsyncDisposable {
  readonly place: HistoryPlace;
  readonly told: FlushWatch;
  readonly commits: readonly LedgerCommit[];
}

export async function playHistory(stage: ChaosStage, plan: HistoryPlan, random: SeededRandom): Promise<PlayedHistory> {
  while (stage.workers().length < 2) await stage.startWorker();
  const place = await historyPlace(stage, plan);
  const told = new FlushWatch(place);
  const ledger = new CommitLedger(
    () => place.current,
    2,
    () => random.next(),
  );
  try {
    await waitFor(() => ledger.acknowledged > 5, { what: "the writers to begin" });
    await strikeAll(stage, place, random);
    if (plan.end === "mended") await untilCaughtUp(place, told, ledger);
    await ledger.stop();
    await told.stop();
    await noteWhatPeopleSaw(stage, place, told);
    await place.current.server.kill();
    return { place, told, commits: ledger.commits, [Symbol.asyncDispose]: () => place[Symbol.asyncDispose]() };
  } catch (error) {
    await ledger.stop().catch(() => undefined);
    await told.stop();
    await place[Symbol.asyncDispose]();
    throw error;
  }
}

/** Writing goes on, and what was written becomes durable. */
async function untilCaughtUp(place: HistoryPlace, told: FlushWatch, ledger: CommitLedger): Promise<void> {
  const before = ledger.acknowledged;
  await waitFor(() => ledger.acknowledged > before + 5, { what: "commits when all is mended", timeoutMs: 60_000 });
  const { server, timeline } = place.current;
  const newest = ledger.commits.findLast((commit) => commit.timeline === timeline && commit.acknowledged !== null);
  const until = newest?.acknowledged?.after.lsn ?? 0n;
  await waitFor(
    async () => {
      if (place.plan.way === "push") await server.query("SELECT pg_switch_wal()");
      return told.toldOn(timeline) >= until;
    },
    { what: "all that was committed to be durable when all is mended", timeoutMs: 90_000, everyMs: 200 },
  );
}

/** The row that the page shows is a promise, too. */
async function noteWhatPeopleSaw({ product }: ChaosStage, { serverId }: HistoryPlace, told: FlushWatch): Promise<void> {
  const [row] = await product.metadata.walReceivers.ofServers([serverId]);
  if (row?.flushedLsn != null && row.timeline !== null) told.note(row.timeline, row.flushedLsn);
}
