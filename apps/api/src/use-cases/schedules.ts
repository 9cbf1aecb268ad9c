import { z } from "zod";
import type { Services } from "../services.ts";
import { Cron, EntityId, Zone } from "./inputs.ts";
import { notFound, parseInput } from "./parse-input.ts";
import { type Caller, perform } from "./perform.ts";
import { requireServer } from "./requirements.ts";
import { checkCron, forgetSchedule } from "./servers.ts";

export const SetScheduleInput = z.object({
  serverId: EntityId,
  kind: z.enum(["backup", "verify", "retention", "drill"]),
  cron: Cron,
  zone: Zone,
  enabled: z.boolean().nullish(),
});

/** One schedule per server and kind: made or changed. */
export function setSchedule(services: Services, caller: Caller, input: unknown) {
  const act = { name: "setSchedule", input: input as Record<string, unknown>, target: { kind: "schedule", id: null } };
  return perform<{ scheduleId: string }>(services, caller, act, async (scope) => {
    const parsed = parseInput(SetScheduleInput, input);
    await requireServer(services, parsed.serverId);
    checkCron(parsed.cron, parsed.zone, "cron");
    const { enabled, ...rest } = parsed;
    const schedule = await services.metadata.schedules.set(enabled == null ? rest : { ...rest, enabled });
    scope.target({ kind: "schedule", id: schedule.id });
    if (!schedule.enabled) forgetSchedule(services, schedule.id);
    else {
      services.bells.upsertSchedule(schedule.id, schedule.cron, schedule.zone).catch((error: unknown) => {
        services.logger.warn({ err: error, scheduleId: schedule.id }, "the queue was not told; the reconciler will");
      });
    }
    return { scheduleId: schedule.id };
  });
}

export const RemoveScheduleInput = z.object({ id: EntityId });

export function removeSchedule(services: Services, caller: Caller, input: unknown) {
  const { id } = input as { id?: unknown };
  const target = { kind: "schedule", id: typeof id === "string" ? id : null };
  const act = { name: "removeSchedule", input: input as Record<string, unknown>, target };
  return perform<{ removedId: string }>(services, caller, act, async () => {
    const parsed = parseInput(RemoveScheduleInput, input);
    if (!(await services.metadata.schedules.remove(parsed.id))) throw notFound("schedule", parsed.id, "id");
    forgetSchedule(services, parsed.id);
    return { removedId: parsed.id };
  });
}
