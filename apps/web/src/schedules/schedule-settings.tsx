import Link from "next/link";
import { sentence } from "#lib/format.ts";
import { runPath } from "#lib/paths.ts";
import { Badge } from "#ui/badge.tsx";
import { Panel } from "#ui/panel.tsx";
import { Time } from "#ui/time.tsx";
import { EditSchedule } from "./edit-schedule.tsx";
import { type Schedule, scheduleKinds } from "./schedule-fields.ts";
import { ScheduleTimes } from "./schedule-times.tsx";

/** What happens by itself, when, and when next. */
export function ScheduleSettings({
  serverId,
  schedules,
}: {
  readonly serverId: string;
  readonly schedules: readonly Schedule[];
}) {
  return (
    <Panel title="Schedules" padded={false}>
      <ul className="divide-y">
        {scheduleKinds.map((kind) => {
          const schedule = schedules.find((candidate) => candidate.kind === kind.kind) ?? null;
          return (
            <li
              key={kind.kind}
              className="flex flex-wrap items-start justify-between gap-x-6 gap-y-2 px-4 py-3.5 text-sm sm:px-5"
            >
              <div className="min-w-0 flex-1">
                <h3 className="flex items-center gap-2 font-medium">
                  {kind.title}
                  {schedule?.enabled === false && <Badge tone="warn">Paused</Badge>}
                </h3>
                {schedule === null ? (
                  <p className="text-muted">Not scheduled. {kind.why}</p>
                ) : (
                  <p>{sentence(schedule.sentence)}</p>
                )}
                {schedule?.enabled === true && <ScheduleTimes times={schedule.nextTimes} zone={schedule.zone} />}
                {schedule?.lastRun && (
                  <p className="mt-1 text-[0.8125rem] text-muted">
                    Last:{" "}
                    <Link href={runPath(schedule.lastRun.id)} className="underline">
                      {schedule.lastRun.state.toLowerCase()} <Time at={schedule.lastRun.finishedAt} />
                    </Link>
                  </p>
                )}
              </div>
              <EditSchedule serverId={serverId} kind={kind} schedule={schedule} />
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}
