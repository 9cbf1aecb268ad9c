"use client";
import { Check, LoaderCircle } from "lucide-react";
import { bytes, duration, etaRange, percent, rate, words } from "#lib/format.ts";
import { Panel } from "#ui/panel.tsx";
import { ProgressBar } from "#ui/progress-bar.tsx";
import { phasesOf } from "./phases.ts";
import type { RunDetail, RunEvent } from "./run-query.ts";
import { runTitle } from "./run-state.ts";

export function RunProgress({ run, events }: { readonly run: RunDetail; readonly events: readonly RunEvent[] }) {
  if (run.state === "QUEUED" || run.state === "WAITING") {
    return (
      <Panel title="Progress">
        <p className="text-sm">{run.waitingReason ?? "Waiting for a worker to take it."}</p>
      </Panel>
    );
  }
  const share = percent(run.done, run.total);
  const facts = [
    { name: "Done", value: run.total === null ? bytes(run.done) : `${bytes(run.done)} of about ${bytes(run.total)}` },
    { name: "Rate", value: rate(run.rateBytesPerSecond) },
    { name: "Time left", value: etaRange(run.etaLowMs, run.etaHighMs) },
  ];
  return (
    <Panel title="Progress">
      <div className="space-y-4">
        <div className="flex items-center gap-3">
          <ProgressBar
            label={`Progress of ${runTitle(run)}`}
            percent={share}
            valueText={share === null ? (run.phase ?? "running") : `${Math.floor(share)} %`}
          />
          <span className="w-12 text-end text-sm font-medium tabular-nums">
            {share === null ? "" : `${Math.floor(share)} %`}
          </span>
        </div>
        <dl className="flex flex-wrap gap-x-8 gap-y-2 text-sm tabular-nums">
          {facts.map(({ name, value }) => (
            <div key={name} className="flex gap-2">
              <dt className="text-muted">{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
        <Phases run={run} events={events} />
        {run.cancelRequestedAt !== null && (
          <p className="text-sm text-warn">Cancel was asked for. It stops at the next safe point.</p>
        )}
      </div>
    </Panel>
  );
}

function Phases({ run, events }: { readonly run: RunDetail; readonly events: readonly RunEvent[] }) {
  const phases = phasesOf(events, run.finishedAt);
  if (phases.length === 0) return null;
  return (
    <ol aria-label="Phases" className="flex flex-wrap gap-x-5 gap-y-1.5 text-sm">
      {phases.map((phase) => {
        const Icon = phase.durationMs === null ? LoaderCircle : Check;
        return (
          <li
            key={phase.startedAt + phase.name}
            className="flex items-center gap-1.5"
            aria-current={phase.durationMs === null ? "step" : undefined}
          >
            <Icon
              aria-hidden
              className={phase.durationMs === null ? "size-4 animate-spin text-busy" : "size-4 text-ok"}
            />
            {words(phase.name)}
            {phase.durationMs !== null && <span className="text-muted tabular-nums">{duration(phase.durationMs)}</span>}
          </li>
        );
      })}
    </ol>
  );
}
