import { type CloneAct, CloneActResult, type RunRequest, type TrialTargetJson } from "@tidemark/jobs";
import { AppError } from "@tidemark/kit";
import type { CloneRow } from "@tidemark/metadata";
import { z } from "zod";
import type { Services } from "../services.ts";
import { EntityId } from "./inputs.ts";
import { badField, parseInput } from "./parse-input.ts";
import { type Caller, perform } from "./perform.ts";
import { isPromised, refuseFuture } from "./promised-target.ts";
import { RecoveryTargetInput, targetJson } from "./recovery-target.ts";
import { requireRestorableBackup, requireRun, requireServer } from "./requirements.ts";

/** A month: longer is a server of its own, which a restore makes. */
const mostHours = 31 * 24;
const Hours = z.number().int().min(1).max(mostHours);

export const CreateCloneInput = z.object({
  serverId: EntityId,
  backupId: EntityId.nullish().describe("From this backup; chosen for the target when left out."),
  target: RecoveryTargetInput.omit({ backupId: true, action: true, standby: true })
    .nullish()
    .describe("The end of the archived WAL when left out, or of the backup where there is none."),
  promote: z.boolean().nullish().describe("Takes writes; read-only and movable when left out."),
  hours: Hours.nullish().describe("How long it lives; a day when left out."),
  maxBytes: z
    .string()
    .regex(/^[1-9]\d{0,18}$/)
    .nullish()
    .describe("Refuse a larger one."),
});

/** Makes a clone of a server at a target; it lives for a time, then goes with its files. */
export function createClone(services: Services, caller: Caller, input: unknown) {
  const act = { name: "createClone", input: input as Record<string, unknown>, target: targetServer(input) };
  return perform<{ runId: string; cloneId: string }>(services, caller, act, async (scope) => {
    const parsed = parseInput(CreateCloneInput, input);
    const server = await requireServer(services, parsed.serverId);
    const backup =
      parsed.backupId == null ? null : await requireRestorableBackup(services, parsed.backupId, "backupId");
    if (backup !== null && backup.serverId !== server.id) {
      throw badField("backupId", `backup ${backup.id} is of another server than ${server.name}`);
    }
    // Before anything is written down: what is out of reach for certain shall not look like a clone that waits.
    if (parsed.target != null) await isPromised(services, server, { ...parsed.target, backupId: backup?.id ?? null });
    const asked = parsed.target == null ? null : targetJson(parsed.target);
    const target: TrialTargetJson | null = asked?.target ?? null;
    const clone = await services.metadata.clones.create({
      serverId: server.id,
      backupId: backup?.id ?? null,
      target,
      createdBy: scope.principal.actor,
      livesForMs: (parsed.hours ?? 24) * 3_600_000,
    });
    const request: RunRequest<"clone"> = {
      serverId: server.id,
      cloneId: clone.id,
      backupId: backup?.id ?? null,
      target,
      timeline: asked?.timeline ?? "latest",
      action: parsed.promote === true ? "promote" : "pause",
      maxBytes: parsed.maxBytes ?? null,
    };
    const run = await scope.startRun({
      kind: "clone",
      request,
      serverId: server.id,
      repositoryId: server.repositoryId,
      backupId: backup?.id ?? null,
    });
    return { runId: run.id, cloneId: clone.id };
  });
}

export const CloneInput = z.object({ id: EntityId });
export const MoveCloneInput = CloneInput.extend({
  target: RecoveryTargetInput.omit({ backupId: true, action: true, standby: true }),
});
export const ExtendCloneInput = CloneInput.extend({ hours: Hours.describe("From now on.") });
export const ExtractFromCloneInput = CloneInput.extend({
  database: z.string().min(1).max(63),
  schema: z.string().min(1).max(63).nullish().describe("`public` when left out."),
  table: z.string().min(1).max(63),
  format: z.enum(["csv", "sql"]).nullish().describe("`csv` when left out."),
});

/** Moves a paused clone on to a later target; never backwards. */
export const moveClone = cloneAct("moveClone", MoveCloneInput, ({ target }, { clock }) => {
  // Only that: what its own timeline holds is asked of the repository, which may be another than the window speaks of.
  refuseFuture(target, clock);
  const { target: to, timeline } = targetJson(target);
  return { kind: "move", target: to, timeline: target.timeline == null ? "current" : timeline };
});

/** Lets a paused clone take writes, on a timeline of its own. */
export const promoteClone = cloneAct("promoteClone", CloneInput, () => ({ kind: "promote" }));

/** Ends a clone now, and gives its space back. */
export const endClone = cloneAct("endClone", CloneInput, () => ({ kind: "end" }));

/** Writes a table of a clone into a file on the clone's machine. */
export const extractFromClone = cloneAct("extractFromClone", ExtractFromCloneInput, (parsed) => ({
  kind: "extract",
  database: parsed.database,
  schema: parsed.schema ?? "public",
  table: parsed.table,
  format: parsed.format ?? "csv",
}));

/** Lets a clone live so long from now on. */
export function extendClone(services: Services, caller: Caller, input: unknown) {
  const act = { name: "extendClone", input: input as Record<string, unknown>, target: targetClone(input) };
  return perform<{ cloneId: string }>(services, caller, act, async () => {
    const { id, hours } = parseInput(ExtendCloneInput, input);
    await requireLivingClone(services, id);
    const clone = await services.metadata.clones.extend(id, hours * 3_600_000);
    if (clone === null) throw ended(id);
    return { cloneId: clone.id };
  });
}

/** Starts the run that gives a clone's connection string, sealed for a key made for this one asking. */
export function revealCloneConnection(services: Services, caller: Caller, input: unknown) {
  const act = { name: "revealCloneConnection", input: input as Record<string, unknown>, target: targetClone(input) };
  return perform<{ runId: string; downloadToken: string }>(services, caller, act, async (scope) => {
    const clone = await requireLivingClone(services, parseInput(CloneInput, input).id);
    const pair = await services.sealer.makePair();
    const request = { kind: "connection", recipient: pair.publicKey } as const;
    const run = await scope.startRun(runOfClone(clone, request));
    return { runId: run.id, downloadToken: pair.privateKey };
  });
}

export const CloneConnectionInput = z.object({
  cloneId: EntityId,
  run: EntityId,
  downloadToken: z.string().min(1).max(1_000),
});

/** Opens what `revealCloneConnection` brought; only who asked for it has the token. */
export async function openCloneConnection(services: Services, caller: Caller, input: unknown): Promise<string> {
  const parsed = parseInput(CloneConnectionInput, input);
  let connection: string | undefined;
  const act = {
    name: "openCloneConnection",
    input: { cloneId: parsed.cloneId, run: parsed.run },
    target: { kind: "clone", id: parsed.cloneId },
  };
  const outcome = await perform(services, caller, act, async () => {
    const run = await requireRun(services, parsed.run, "run");
    const result = run.kind === "clone-act" && run.result !== null ? CloneActResult.parse(run.result) : null;
    const sealed = result?.clone?.cloneId === parsed.cloneId ? result.sealedConnection : null;
    if (sealed === null) throw badField("run", `run ${run.id} holds no connection of this clone`);
    connection = await services.sealer.open(parsed.downloadToken, sealed);
    return { cloneId: parsed.cloneId };
  });
  if (!outcome.ok) throw outcome.error;
  if (connection === undefined) throw new Error("the connection was opened and is not there");
  return connection;
}

function cloneAct<Schema extends typeof CloneInput>(
  name: string,
  schema: Schema,
  actOf: (parsed: z.output<Schema>, services: Services) => CloneAct,
) {
  return (services: Services, caller: Caller, input: unknown) => {
    const act = { name, input: input as Record<string, unknown>, target: targetClone(input) };
    return perform<{ runId: string; cloneId: string }>(services, caller, act, async (scope) => {
      const parsed = parseInput(schema, input) as z.output<Schema>;
      const clone = await requireLivingClone(services, parsed.id);
      const run = await scope.startRun(runOfClone(clone, actOf(parsed, services)));
      return { runId: run.id, cloneId: clone.id };
    });
  };
}

function runOfClone(clone: CloneRow, act: CloneAct) {
  const request: RunRequest<"clone-act"> = { serverId: clone.serverId, cloneId: clone.id, act };
  return { kind: "clone-act" as const, request, serverId: clone.serverId, backupId: clone.backupId };
}

async function requireLivingClone(services: Services, id: string): Promise<CloneRow> {
  const clone = await services.metadata.clones.get(id);
  if (clone === null) throw noClone(id);
  if (clone.endedAt !== null) throw ended(id);
  return clone;
}

function noClone(id: string): AppError {
  return new AppError("not-found", {
    message: `there is no clone ${id}`,
    hint: "`tidemark clone list` shows those that live",
  });
}

function ended(id: string): AppError {
  return new AppError("clone-expired", {
    message: `clone ${id} has ended`,
    hint: "make another one: the backup it came from is untouched",
  });
}

function targetClone(input: unknown) {
  const { id } = input as { id?: unknown };
  return { kind: "clone", id: typeof id === "string" ? id : null };
}

function targetServer(input: unknown) {
  const { serverId } = input as { serverId?: unknown };
  return { kind: "server", id: typeof serverId === "string" ? serverId : null };
}
