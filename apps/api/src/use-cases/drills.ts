import { DrillExpectationsJson, DrillSettingsJson, type RunRequest, storedDrillSettings } from "@tidemark/jobs";
import type { Server } from "@tidemark/metadata";
import { z } from "zod";
import type { Services } from "../services.ts";
import { aboutBackup, backupTarget } from "./backups.ts";
import { EntityId } from "./inputs.ts";
import { badField, parseInput } from "./parse-input.ts";
import { type Caller, perform } from "./perform.ts";
import { isPromised } from "./promised-target.ts";
import { RecoveryTargetInput, targetJson } from "./recovery-target.ts";
import { requireRestorableBackup, requireServer } from "./requirements.ts";

/** How to drill. What is left out is as the place that takes it says: the server's own settings, or the usual. */
export const DrillSettingsInput = z.object({
  target: RecoveryTargetInput.omit({ backupId: true, action: true, standby: true })
    .nullish()
    .describe("To where it recovers; the end of the archived WAL, or of the backup where there is none."),
  behindSeconds: z
    .number()
    .int()
    .min(0)
    .max(31_536_000)
    .nullish()
    .describe("So long before the last archived commit; instead of a target."),
  expectations: z
    .object({
      rows: DrillExpectationsJson.shape.rows.nullish().describe("Tables and how many rows each must have."),
      sql: DrillExpectationsJson.shape.sql.nullish().describe("Questions and the rows each must give."),
      estimateTolerancePercent: DrillExpectationsJson.shape.estimateTolerancePercent
        .nullish()
        .describe("How far a table's count may be from the server's own estimate."),
    })
    .nullish()
    .describe("What it shall find, beside what every drill checks."),
  maxBytes: DrillSettingsJson.shape.maxBytes.nullish().describe("Do not try a larger copy."),
  checkSeconds: z.number().int().min(1).max(86_400).nullish().describe("For all checks together; 600 usually."),
  replaySeconds: z.number().int().min(1).max(604_800).nullish().describe("For the replay of WAL; six hours usually."),
});
export type DrillSettingsInput = z.output<typeof DrillSettingsInput>;

/** The settings an input asks for, where it says nothing those of `base`. Throws `bad-request`. */
export function drillSettingsOf(input: DrillSettingsInput, base: DrillSettingsJson, field = "target") {
  const { expectations } = input;
  return {
    ...targetOf(input, base, field),
    expectations: expectations == null ? base.expectations : DrillExpectationsJson.parse(withoutNulls(expectations)),
    maxBytes: input.maxBytes ?? base.maxBytes,
    checkSeconds: input.checkSeconds ?? base.checkSeconds,
    replaySeconds: input.replaySeconds ?? base.replaySeconds,
  } satisfies DrillSettingsJson;
}

function targetOf({ target, behindSeconds }: DrillSettingsInput, base: DrillSettingsJson, field: string) {
  if (target != null && behindSeconds != null) throw badField(field, "give either a target or how far behind");
  if (behindSeconds != null) {
    return { target: { kind: "behind" as const, seconds: behindSeconds }, timeline: "latest" as const };
  }
  if (target == null) return { target: base.target, timeline: base.timeline };
  const asked = targetJson(target, field);
  return { target: asked.target, timeline: asked.timeline };
}

/**
 * Whether a drill that cannot get there has failed: what the server's settings name it owes, and what its recovery window
 * promises. Throws `bad-request` for a target of this one request that is out of reach for certain.
 */
async function isOwed(services: Services, server: Server | null, backupId: string | null, how: DrillSettingsInput) {
  if (how.target == null || server === null) return true;
  return await isPromised(services, server, { ...how.target, backupId });
}

function withoutNulls(value: Readonly<Record<string, unknown>>) {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== null));
}

export const DrillBackupInput = DrillSettingsInput.extend({ id: EntityId.describe("Which backup.") });

/** Restores it to a scratch place, starts a real PostgreSQL there, recovers, checks, and throws it away. */
export function drillBackup(services: Services, caller: Caller, input: unknown) {
  const act = { name: "drillBackup", input: input as Record<string, unknown>, target: backupTarget(input) };
  return perform<{ runId: string }>(services, caller, act, async (scope) => {
    const { id, ...how } = parseInput(DrillBackupInput, input);
    const backup = await requireRestorableBackup(services, id);
    const server = await services.metadata.servers.get(backup.serverId);
    const settings = drillSettingsOf(how, storedDrillSettings(server?.drillSettings));
    const promised = await isOwed(services, server, backup.id, how);
    const request: RunRequest<"drill"> = { ...settings, serverId: backup.serverId, backupId: backup.id, promised };
    const run = await scope.startRun({ kind: "drill", request, ...aboutBackup(backup) });
    return { runId: run.id };
  });
}

export const DrillServerInput = DrillSettingsInput.extend({ serverId: EntityId.describe("Of which server.") });

/** As `drillBackup`, from the backup that fits the target: the newest whose end lies before it. */
export function drillServer(services: Services, caller: Caller, input: unknown) {
  const { serverId: asked } = input as { serverId?: unknown };
  const target = { kind: "server", id: typeof asked === "string" ? asked : null };
  const act = { name: "drillServer", input: input as Record<string, unknown>, target };
  return perform<{ runId: string }>(services, caller, act, async (scope) => {
    const { serverId, ...how } = parseInput(DrillServerInput, input);
    const server = await requireServer(services, serverId);
    const [newest] = await services.metadata.backups.latestRestorable([server.id]);
    if (newest === undefined) {
      throw badField("serverId", `${server.name} has no backup that could be restored`, "take one first");
    }
    const settings = drillSettingsOf(how, storedDrillSettings(server.drillSettings));
    const promised = await isOwed(services, server, null, how);
    const request: RunRequest<"drill"> = { ...settings, serverId: server.id, backupId: null, promised };
    const about = { serverId: server.id, repositoryId: server.repositoryId, backupId: null };
    const run = await scope.startRun({ kind: "drill", request, ...about });
    return { runId: run.id };
  });
}

/** What REST asks with: a backup's id, or a server's. */
export const StartDrillInput = DrillSettingsInput.extend({
  id: EntityId.nullish().describe("Which backup; give this or serverId."),
  serverId: EntityId.nullish().describe("Which server: the backup that fits the target is chosen."),
});

export async function startDrill(services: Services, caller: Caller, input: unknown) {
  const { id, serverId, ...how } = input as z.output<typeof StartDrillInput>;
  if ((id == null) === (serverId == null)) throw badField("id", "give either a backup or a server");
  return id == null
    ? await drillServer(services, caller, { ...how, serverId })
    : await drillBackup(services, caller, { ...how, id });
}
