import Link from "next/link";
import type { ResultOf } from "#graphql/graphql.ts";
import { duration, etaRange, percent } from "#lib/format.ts";
import { runPath, serverPath } from "#lib/paths.ts";
import { ProgressBar } from "#ui/progress-bar.tsx";
import { Cell, type Column, Row, RowHeader, Table } from "#ui/table.tsx";
import { Time } from "#ui/time.tsx";
import type { RunRowFields } from "./run-fields.ts";
import { isFinal, runKindNames, runTitle } from "./run-state.ts";
import { RunStateBadge } from "./run-state-badge.tsx";

type RunRow = ResultOf<typeof RunRowFields>;

const columns: readonly Column[] = [
  { name: "Run" },
  { name: "State" },
  { name: "Started" },
  { name: "Duration", align: "end" },
  { name: "Asked by" },
];

export function RunsTable({ runs, showServer }: { readonly runs: readonly RunRow[]; readonly showServer: boolean }) {
  return (
    <Table label="Runs" columns={showServer ? columns.toSpliced(1, 0, { name: "Server" }) : columns}>
      {runs.map((run) => (
        <Row key={run.id}>
          <RowHeader>
            <Link href={runPath(run.id)} aria-label={runTitle(run)} className="font-medium text-accent hover:underline">
              {runKindNames[run.kind]}
            </Link>
          </RowHeader>
          {showServer && (
            <Cell label="Server">
              {run.server === null ? (
                "–"
              ) : (
                <Link href={serverPath(run.server)} className="hover:underline">
                  {run.server.name}
                </Link>
              )}
            </Cell>
          )}
          <Cell label="State">
            <RunStateBadge state={run.state} />
            {run.state === "RUNNING" && <RunningLine run={run} />}
            {run.state === "WAITING" && run.waitingReason !== null && (
              <p className="mt-1 text-[0.8125rem] text-muted">{run.waitingReason}</p>
            )}
            {run.error !== null && (
              <p className="mt-1 max-w-md text-[0.8125rem] break-words text-muted">{run.error.message}</p>
            )}
          </Cell>
          <Cell label="Started">
            <Time at={run.startedAt ?? run.createdAt} />
            {run.lateMs !== null && run.lateMs > 0 && (
              <span className="block text-[0.8125rem] text-warn">late by {duration(run.lateMs)}</span>
            )}
          </Cell>
          <Cell label="Duration" align="end">
            {run.startedAt === null || run.finishedAt === null
              ? "–"
              : duration(Date.parse(run.finishedAt) - Date.parse(run.startedAt))}
          </Cell>
          <Cell label="Asked by">{run.schedule === null ? run.requestedBy : "schedule"}</Cell>
        </Row>
      ))}
    </Table>
  );
}

/** How far a running run is, in one line. */
export function RunningLine({ run }: { readonly run: RunRow }) {
  if (isFinal(run.state)) return null;
  const share = percent(run.done, run.total);
  return (
    <div className="mt-1.5 flex max-w-64 min-w-40 flex-1 items-center gap-2.5 text-[0.8125rem] text-muted">
      <ProgressBar label={`Progress of ${runTitle(run)}`} percent={share} valueText={run.phase ?? "running"} />
      <span className="whitespace-nowrap tabular-nums">
        {share === null ? (run.phase ?? "") : `${Math.floor(share)} %`}
      </span>
      {run.etaLowMs !== null && <span className="sr-only">{etaRange(run.etaLowMs, run.etaHighMs)}</span>}
    </div>
  );
}
