"use client";
import { WifiOff } from "lucide-react";
import Link from "next/link";
import { useEffect } from "react";
import { duration, percent } from "#lib/format.ts";
import { backupPath, repositoryPath, serverPath } from "#lib/paths.ts";
import { PageHeader } from "#shell/page-header.tsx";
import { Fact, Facts, Mono } from "#ui/facts.tsx";
import { Panel } from "#ui/panel.tsx";
import { ServerTime, ServerZone } from "#ui/server-zone.tsx";
import { Time } from "#ui/time.tsx";
import { CancelRun } from "./cancel-run.tsx";
import { RunLog } from "./run-log.tsx";
import { RunOutcome } from "./run-outcome.tsx";
import { RunProgress } from "./run-progress.tsx";
import type { RunDetail } from "./run-query.ts";
import { documentTitle, isFinal, runTitle } from "./run-state.ts";
import { RunStateBadge } from "./run-state-badge.tsx";
import { useRun } from "./use-run.ts";

export function RunView({ initial }: { readonly initial: RunDetail }) {
  const watched = useRun(initial.id, initial);
  const run = watched.run ?? initial;
  const title = documentTitle(run, percent(run.done, run.total));
  useEffect(() => {
    document.title = title;
  }, [title]);

  return (
    <ServerZone zone={run.server?.timeZone ?? null}>
      <PageHeader
        trail={[{ title: "Runs", path: "/runs" }]}
        title={runTitle(run)}
        beside={<RunStateBadge state={run.state} />}
        actions={isFinal(run.state) ? undefined : <CancelRun run={run} />}
      />
      <div role="status" className="sr-only">
        {runTitle(run)}: {run.state.toLowerCase()}
        {run.phase !== null && !isFinal(run.state) && `, ${run.phase}`}
      </div>
      <div className="space-y-5">
        {watched.trouble !== null && (
          <p
            role="status"
            className="flex items-center gap-3 rounded-lg border border-warn/35 bg-warn-tint px-4 py-2.5 text-sm"
          >
            <WifiOff aria-hidden className="size-4.5 shrink-0 text-warn" />
            {watched.trouble.message} The run itself goes on; this page catches up as soon as it can.
          </p>
        )}
        {!isFinal(run.state) && <RunProgress run={run} events={watched.events} />}
        <RunOutcome run={run} />
        <RunFacts run={run} />
        <RunLog events={watched.events} final={isFinal(run.state)} />
      </div>
    </ServerZone>
  );
}

function RunFacts({ run }: { readonly run: RunDetail }) {
  return (
    <Panel title="Facts">
      <Facts columns={3}>
        {run.server !== null && (
          <Fact label="Server">
            <Link href={serverPath(run.server)} className="text-accent hover:underline">
              {run.server.name}
            </Link>
          </Fact>
        )}
        {run.backup !== null && (
          <Fact label="Backup">
            <Link href={backupPath(run.backup.id)} className="text-accent hover:underline">
              of <Time at={run.backup.startedAt} show="absolute" />
            </Link>
          </Fact>
        )}
        {run.repository !== null && (
          <Fact label="Repository">
            <Link href={repositoryPath(run.repository.id)} className="text-accent hover:underline">
              {run.repository.name}
            </Link>
          </Fact>
        )}
        <Fact label="Asked by">{run.schedule === null ? run.requestedBy : `schedule: ${run.schedule.sentence}`}</Fact>
        <Fact label="Started">
          <Time at={run.startedAt} show="absolute" />
          <ServerTime at={run.startedAt} />
          {run.lateMs !== null && run.lateMs > 0 && (
            <span className="block text-sm text-warn">
              late by {duration(run.lateMs)}; due <Time at={run.scheduledFor} show="absolute" />
            </span>
          )}
        </Fact>
        <Fact label="Finished">
          <Time at={run.finishedAt} show="absolute" />
          <ServerTime at={run.finishedAt} />
        </Fact>
        {run.startedAt !== null && run.finishedAt !== null && (
          <Fact label="Duration">{duration(Date.parse(run.finishedAt) - Date.parse(run.startedAt))}</Fact>
        )}
        <Fact label="Run">
          <Mono>{run.id}</Mono>
        </Fact>
      </Facts>
    </Panel>
  );
}
