import { describeSchedule, nextRuns } from "@tidemark/policy";
import { badField } from "../../use-cases/parse-input.ts";
import { ScheduleKindEnum } from "../enums.ts";
import { NodeRef, RunRef, ScheduleRef, ServerRef } from "../refs.ts";
import { requiredRow } from "./required-row.ts";

ScheduleRef.implement({
  description: "When an act is started by itself.",
  interfaces: [NodeRef],
  isTypeOf: (value) => (value as { id: string }).id.startsWith("sch_"),
  fields: (t) => ({
    id: t.exposeID("id", { description: "`sch_…`" }),
    server: t.field({
      type: ServerRef,
      description: "Of which server.",
      resolve: (schedule, _args, { loaders }) => requiredRow(loaders.server.load(schedule.serverId), schedule.serverId),
    }),
    kind: t.expose("kind", { type: ScheduleKindEnum, description: "What it starts." }),
    cron: t.exposeString("cron", { description: "Five fields." }),
    zone: t.exposeString("zone", { description: "IANA time zone the expression is read in." }),
    enabled: t.exposeBoolean("enabled", { description: "Whether it starts anything." }),
    sentence: t.string({
      description: "The expression in words.",
      resolve: (schedule) => describeSchedule(schedule.cron, schedule.zone),
    }),
    nextAt: t.field({
      type: "DateTime",
      nullable: true,
      description: "The next time; null while it is disabled.",
      resolve: (schedule, _args, { services }) =>
        schedule.enabled ? (nextRuns(schedule.cron, schedule.zone, services.clock.now(), 1)[0] ?? null) : null,
    }),
    nextTimes: t.field({
      type: ["DateTime"],
      description: "The next times of the expression, whether it is enabled or not.",
      args: { count: t.arg.int({ defaultValue: 5, description: "How many, 1 to 100." }) },
      resolve: (schedule, { count }, { services }) => [
        ...nextRuns(schedule.cron, schedule.zone, services.clock.now(), checkCount(count)),
      ],
    }),
    lastRun: t.field({
      type: RunRef,
      nullable: true,
      description: "The newest run it started; null: none yet.",
      resolve: (schedule, _args, { loaders }) => loaders.latestRunOfSchedule.load(schedule.id),
    }),
  }),
});

/** Throws `bad-request` outside 1 to 100. */
export function checkCount(count: number | null | undefined): number {
  const wanted = count ?? 5;
  if (wanted >= 1 && wanted <= 100) return wanted;
  throw badField("count", "between 1 and 100 times can be asked for");
}
