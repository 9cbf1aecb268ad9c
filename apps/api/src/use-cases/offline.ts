import { AppError } from "@tidemark/kit";
import type { OfflinePeriod, ScheduleRow } from "@tidemark/metadata";
import { missedTimes, validateCron } from "@tidemark/policy";
import { z } from "zod";
import type { Services } from "../services.ts";
import { EntityId } from "./inputs.ts";
import { parseInput } from "./parse-input.ts";
import { type Caller, perform } from "./perform.ts";
import { requireServer } from "./requirements.ts";
import { serverTarget } from "./server-acts.ts";

export const SetServerOfflineInput = z.object({
  serverId: EntityId,
  reason: z.string().trim().min(1, "say why it is taken offline").max(500).describe("For whoever wonders later."),
});

/**
 * Takes a server out of service: its schedules stop, nothing is asked of it, acts at it are refused. What runs already
 * goes on. A server that is offline already keeps the reason it has.
 */
export function setServerOffline(services: Services, caller: Caller, input: unknown) {
  const act = { name: "setServerOffline", input: input as Record<string, unknown>, target: serverTarget(input) };
  return perform<{ serverId: string }>(services, caller, act, async ({ principal }) => {
    const { serverId, reason } = parseInput(SetServerOfflineInput, input);
    const server = await requireServer(services, serverId);
    await services.metadata.offline.setOffline({ serverId: server.id, by: principal.actor, reason });
    return { serverId: server.id };
  });
}

export const SetServerOnlineInput = z.object({ serverId: EntityId });

/** Ends it; the period then lists what the schedules would have started. One that is online stays so. */
export function setServerOnline(services: Services, caller: Caller, input: unknown) {
  const act = { name: "setServerOnline", input: input as Record<string, unknown>, target: serverTarget(input) };
  return perform<{ serverId: string }>(services, caller, act, async ({ principal }) => {
    const { serverId } = parseInput(SetServerOnlineInput, input);
    const server = await requireServer(services, serverId);
    const { offline, schedules } = services.metadata;
    const [period] = await offline.current([server.id]);
    if (period !== undefined) {
      const missed = missedSince(period.since, await schedules.ofServers([server.id]), services.clock.now());
      await offline.setOnline({ serverId: server.id, by: principal.actor, missed });
    }
    return { serverId: server.id };
  });
}

/** What passed in a period: as it was kept when it ended; so far, while it lasts. */
export function missedIn(period: OfflinePeriod, schedules: readonly ScheduleRow[], now: Date) {
  if (period.endedAt !== null) return { times: period.missed, count: period.missedCount };
  return missedSince(period.since, schedules, now);
}

function missedSince(since: Date, schedules: readonly ScheduleRow[], now: Date) {
  const silent = schedules
    .filter((schedule) => schedule.enabled && hasTimes(schedule))
    .map(({ kind, cron, zone, updatedAt }) => ({ kind, cron, timeZone: zone, since: updatedAt }));
  return missedTimes(silent, since, now);
}

/** False for one whose zone this machine does not know (any more): its server must be put back all the same. */
function hasTimes({ cron, zone }: ScheduleRow): boolean {
  try {
    validateCron(cron, zone);
    return true;
  } catch (error) {
    if (error instanceof AppError && error.code === "cron-invalid") return false;
    throw error;
  }
}
