"use client";
import { useMemo, useState } from "react";
import { absoluteTime, plural } from "#lib/format.ts";
import { restorePath, serverPath, withParams } from "#lib/paths.ts";
import { useNow } from "#lib/use-now.ts";
import { useQuery } from "#lib/use-query.ts";
import { Button, LinkButton } from "#ui/button.tsx";
import { ButtonRow } from "#ui/button-row.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { Panel } from "#ui/panel.tsx";
import { useLocalZone } from "#ui/time.tsx";
import { ChosenInstant } from "./chosen-instant.tsx";
import { InstantInput } from "./instant-input.tsx";
import { TimelineChart } from "./timeline-chart.tsx";
import { buildModel, isRecoverable, type Range, type TimelineModel, within, zoom } from "./timeline-model.ts";
import { type Lifetime, ResolveTarget } from "./window-query.ts";

interface Props {
  readonly server: { readonly id: string; readonly name: string };
  readonly lifetime: Lifetime;
  /** What something else wants to be shown; each new object moves there once. */
  readonly shown?: { readonly timeline: number; readonly ms: number } | null;
}

/** To where a server can be restored: drawn, zoomed, typed, and said in every clock. */
export function RecoveryTimeline({ server, lifetime, shown = null }: Props) {
  const now = useNow();
  const zone = useLocalZone();
  const model = useMemo(() => buildModel(lifetime, now), [lifetime, now]);
  const [view, setView] = useState<Range | null>(null);
  const [chosen, setChosen] = useState(() => initialChoice(model));
  const range = view ?? model.domain;
  const lane = model.lanes.find(({ timeline }) => timeline === chosen?.timeline);

  const answer = useQuery(ResolveTarget, {
    serverId: server.id,
    target:
      chosen === null
        ? { kind: "LATEST" }
        : { kind: "TIME", at: new Date(chosen.ms).toISOString(), timeline: chosen.timeline },
  });
  const resolved = answer.value?.resolveRecoveryTarget ?? null;

  const choose = (timeline: number, ms: number) => {
    setChosen({ timeline, ms });
    if (ms < range.fromMs || ms > range.toMs)
      setView(within({ fromMs: ms - width(range) / 2, toMs: ms + width(range) / 2 }, model.domain));
  };
  const stepCommit = (direction: 1 | -1) => {
    const commit = direction === 1 ? resolved?.commitAfter : resolved?.commitBefore;
    if (chosen === null || commit == null) return;
    // At the commit itself the one before it is asked for from a millisecond earlier.
    const ms = Date.parse(commit.at);
    choose(chosen.timeline, direction === -1 && ms >= chosen.ms ? chosen.ms - 1 : ms);
  };

  const [followed, setFollowed] = useState(shown);
  if (shown !== followed) {
    setFollowed(shown);
    if (shown !== null && model.lanes.some(({ timeline }) => timeline === shown.timeline))
      choose(shown.timeline, shown.ms);
  }

  if (chosen === null || lane === undefined) return null;
  const at = new Date(chosen.ms);
  const instant = { at: at.toISOString(), timeline: String(chosen.timeline) };
  const unreachable = resolved?.reachable === false ? "This instant cannot be reached" : null;
  const ending = backupEndingAt(lifetime, resolved?.lastReachable?.lsn ?? null);
  const state = isRecoverable(lane, chosen.ms) ? "recoverable" : "not recoverable";
  const from =
    resolved?.backup == null
      ? ""
      : `, from the backup of ${absoluteTime(new Date(resolved.backup.finishedAt ?? resolved.backup.startedAt), zone)}`;
  return (
    <Panel
      title="Recoverable time line"
      description="Press on a green stretch or drag the handle; arrow keys move by a second, with Shift by a minute, with Alt by a known commit."
      action={
        <ButtonRow blockedBy={unreachable}>
          <LinkButton small blockedBy={unreachable} href={withParams(serverPath(server, "drills"), instant)}>
            Clone at this instant…
          </LinkButton>
          <LinkButton
            tone="primary"
            small
            blockedBy={unreachable}
            href={withParams(serverPath(server, "restore"), instant)}
          >
            Restore to this instant…
          </LinkButton>
        </ButtonRow>
      }
    >
      <div className="space-y-4">
        <ZoomBar model={model} range={range} around={chosen.ms} onRange={setView} />
        <TimelineChart
          model={model}
          range={range}
          onRange={setView}
          timeline={chosen.timeline}
          chosenMs={chosen.ms}
          onChoose={choose}
          onStepCommit={stepCommit}
          zone={zone}
          valueText={`${absoluteTime(at, zone)}, ${state}${from}, timeline ${chosen.timeline}`}
        />
        <Legend undrawn={undrawnBackups(lifetime)} />
        <InstantInput model={model} chosen={chosen} onChoose={choose} />
        <ChosenInstant
          ms={chosen.ms}
          answer={resolved}
          stale={answer.stale}
          endingBackup={ending === null ? null : restorePath(server, ending)}
          onChoose={(instant) => choose(instant.timeline, Date.parse(instant.at))}
        />
        {answer.problem !== null && <ErrorPanel title="The instant could not be looked up" problem={answer.problem} />}
      </div>
    </Panel>
  );
}

/** The backup whose end is at that place. */
function backupEndingAt({ timelines }: Lifetime, lsn: string | null): string | null {
  const backups = timelines.flatMap(({ stretches }) => stretches.flatMap((stretch) => stretch.backups));
  return lsn === null ? null : (backups.find(({ stopLsn }) => stopLsn === lsn)?.id ?? null);
}

/** The newest instant that can be restored to. */
function initialChoice(model: TimelineModel): { readonly timeline: number; readonly ms: number } | null {
  const ends = model.lanes.flatMap(({ timeline, spans }) =>
    spans.filter(({ kind }) => kind === "recoverable").map(({ toMs }) => ({ timeline, ms: toMs })),
  );
  return ends.reduce<(typeof ends)[number] | null>(
    (best, end) => (best === null || end.ms >= best.ms ? end : best),
    null,
  );
}

interface ZoomProps {
  readonly model: TimelineModel;
  readonly range: Range;
  readonly around: number;
  readonly onRange: (range: Range | null) => void;
}

function ZoomBar({ model, range, around, onRange }: ZoomProps) {
  const show = (widthMs: number) => onRange(zoom(range, model.domain, clampTo(range, around), widthMs / width(range)));
  return (
    <fieldset className="flex flex-wrap items-center gap-1.5">
      <legend className="sr-only">What is shown</legend>
      <Button
        small
        aria-label="Zoom in"
        onClick={() => onRange(zoom(range, model.domain, clampTo(range, around), 0.5))}
      >
        +
      </Button>
      <Button small aria-label="Zoom out" onClick={() => onRange(zoom(range, model.domain, clampTo(range, around), 2))}>
        −
      </Button>
      {spans.map(([title, widthMs]) => (
        <Button key={title} small tone="quiet" onClick={() => show(widthMs)}>
          {title}
        </Button>
      ))}
      <Button small tone="quiet" onClick={() => onRange(null)}>
        All
      </Button>
    </fieldset>
  );
}

const spans = [
  ["1 minute", 60_000],
  ["1 hour", 3_600_000],
  ["1 day", 86_400_000],
  ["30 days", 30 * 86_400_000],
] as const;

/** The api names the oldest and the newest of very many. */
function undrawnBackups({ timelines }: Lifetime): number {
  const stretches = timelines.flatMap((timeline) => timeline.stretches);
  return stretches.reduce((sum, { backupCount, backups }) => sum + backupCount - backups.length, 0);
}

function Legend({ undrawn }: { readonly undrawn: number }) {
  return (
    <ul className="flex flex-wrap gap-x-5 gap-y-1 text-[0.8125rem] text-muted">
      <li className="flex items-center gap-1.5">
        <span aria-hidden className="h-3 w-5 rounded-sm bg-ok/75" /> recoverable
      </li>
      <li className="flex items-center gap-1.5">
        <span aria-hidden className="h-3 w-5 rounded-sm border border-dashed border-bad/60 bg-bad/25" /> gap
      </li>
      <li className="flex items-center gap-1.5">
        <span aria-hidden className="h-3 w-5 rounded-sm border border-muted/40 bg-muted/20" /> WAL without a backup
        before it
      </li>
      <li className="flex items-center gap-1.5">
        <span aria-hidden className="h-3.5 w-[3px] rounded-full bg-text" /> backup
        {undrawn > 0 &&
          ` (of very many the oldest and the newest; ${plural(undrawn, "backup")} between them not drawn)`}
      </li>
      <li className="flex items-center gap-1.5">
        <span aria-hidden className="size-2 rotate-45 bg-accent" /> restore point
      </li>
      <li className="flex items-center gap-1.5">
        <span aria-hidden className="h-3.5 border-s-2 border-dotted border-ok" /> last durable commit
      </li>
    </ul>
  );
}

function width({ fromMs, toMs }: Range): number {
  return toMs - fromMs;
}

/** Zooming keeps what is chosen in place, or the middle where that is not in view. */
function clampTo(range: Range, ms: number): number {
  return ms < range.fromMs || ms > range.toMs ? (range.fromMs + range.toMs) / 2 : ms;
}
