import type { OfflinePeriod } from "@tidemark/metadata";
import { badField } from "../../use-cases/parse-input.ts";
import { builder } from "../builder.ts";
import { ScheduleKindEnum } from "../enums.ts";
import { OfflinePeriodRef } from "../refs.ts";

const MissedTimeRef = builder.objectRef<OfflinePeriod["missed"][number]>("MissedTime").implement({
  description: "A time at which a schedule would have started something.",
  fields: (t) => ({
    kind: t.expose("kind", { type: ScheduleKindEnum, description: "What it would have started." }),
    dueAt: t.expose("dueAt", { type: "DateTime", description: "When." }),
  }),
});

/** While a period lasts its times are counted anew: up to 0.2 s for a schedule of every minute (policy `missedTimes`). */
const countingCost = 400;

OfflinePeriodRef.implement({
  description:
    "A time in which somebody had taken the server out of service: no schedule, no inspection and no act reached for it.",
  fields: (t) => ({
    id: t.exposeID("id", { description: "Unique." }),
    since: t.expose("since", { type: "DateTime", description: "When it was set offline." }),
    by: t.exposeString("by", { description: "Who set it: `user:admin`, `token:tmk_…`." }),
    reason: t.exposeString("reason", { description: "Why, in their words." }),
    endedAt: t.expose("endedAt", { type: "DateTime", nullable: true, description: "Null: it is offline now." }),
    endedBy: t.exposeString("endedBy", { nullable: true, description: "Who set it online; null: it is offline now." }),
    missed: t.field({
      type: [MissedTimeRef],
      description:
        "What schedules would have started in it (so far, while it lasts): the newest 100 at most, newest first.",
      complexity: { field: countingCost, multiplier: 10 },
      resolve: async (period, _args, { loaders }) => [...(await loaders.missedOfPeriod.load(period)).times],
    }),
    missedCount: t.int({
      description: "How many in all.",
      complexity: countingCost,
      resolve: async (period, _args, { loaders }) => (await loaders.missedOfPeriod.load(period)).count,
    }),
  }),
});

/** Throws `bad-request` outside 1 to 100. */
export function checkPeriodCount(count: number | null | undefined): number {
  const wanted = count ?? 20;
  if (wanted >= 1 && wanted <= 100) return wanted;
  throw badField("first", "between 1 and 100 periods can be asked for");
}
