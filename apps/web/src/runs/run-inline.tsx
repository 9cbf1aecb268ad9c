"use client";
import Link from "next/link";
import { percent } from "#lib/format.ts";
import { runPath } from "#lib/paths.ts";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { ProgressBar } from "#ui/progress-bar.tsx";
import { isFinal, runTitle } from "./run-state.ts";
import { RunStateBadge } from "./run-state-badge.tsx";
import type { WatchedRun } from "./use-run.ts";

/** A run followed in the place where it was asked for: its state, its newest line, its failure. */
export function RunInline({ watched, what }: { readonly watched: WatchedRun; readonly what: string }) {
  const { run, events, trouble } = watched;
  const line = events.findLast((event) => event.level !== "DEBUG");
  const open = run === null || !isFinal(run.state);
  return (
    <div className="space-y-3">
      <div role="status" className="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm">
        {run === null ? <span className="text-muted">Asking for {what}…</span> : <RunStateBadge state={run.state} />}
        {run !== null && (
          <Link href={runPath(run.id)} className="text-accent hover:underline">
            {what}
          </Link>
        )}
        {open && <span className="min-w-0 break-words text-muted">{run?.waitingReason ?? line?.message}</span>}
        {trouble !== null && <span className="text-warn">{trouble.message} Trying again.</span>}
      </div>
      {open && (
        <ProgressBar
          label={`Progress of ${what}`}
          percent={run === null ? null : percent(run.done, run.total)}
          valueText={run?.phase ?? "waiting"}
        />
      )}
      {run !== null && isFinal(run.state) && run.error !== null && run.connectionReport === null && (
        <ErrorPanel announce title={`${runTitle(run)} did not succeed`} problem={run.error} />
      )}
    </div>
  );
}
