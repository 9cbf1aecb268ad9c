import type { RunRequest } from "@tidemark/jobs";
import { newId } from "@tidemark/kit";
import { z } from "zod";
import type { Services } from "../services.ts";
import { EntityId } from "./inputs.ts";
import { parseInput } from "./parse-input.ts";
import { type Caller, perform } from "./perform.ts";
import { requireRestorableBackup, requireServer, requireStoredBackup } from "./requirements.ts";

export const TakeBackupInput = z.object({
  serverId: EntityId,
  checkpoint: z.enum(["fast", "spread"]).nullish().describe("How the server begins; fast when left out."),
  maxRateKib: z.number().int().min(32).max(1_048_576).nullish().describe("Limit in KiB/s, 32 to 1048576."),
  label: z.string().trim().min(1).max(200).nullish(),
});

/** Makes the run and the running backup's row in one transaction. */
export function takeBackup(services: Services, caller: Caller, input: unknown) {
  const act = { name: "takeBackup", input: input as Record<string, unknown> };
  return perform<{ runId: string; backupId: string }>(services, caller, act, async (scope) => {
    const parsed = parseInput(TakeBackupInput, input);
    const server = await requireServer(services, parsed.serverId);
    const backupId = newId("backup");
    scope.target({ kind: "backup", id: backupId });
    const label = parsed.label ?? null;
    const request: RunRequest<"backup"> = {
      serverId: server.id,
      backupId,
      checkpoint: parsed.checkpoint ?? "fast",
      maxRateKib: parsed.maxRateKib ?? null,
      label,
      drillAfter: false,
    };
    const run = await scope.startRun({
      kind: "backup",
      request,
      serverId: server.id,
      repositoryId: server.repositoryId,
      backup: { id: backupId, serverId: server.id, repositoryId: server.repositoryId, label },
    });
    return { runId: run.id, backupId: run.backupId ?? backupId };
  });
}

export const BackupActInput = z.object({ id: EntityId });

/** Reads everything a backup consists of and compares. */
export function verifyBackup(services: Services, caller: Caller, input: unknown) {
  const act = { name: "verifyBackup", input: input as Record<string, unknown>, target: backupTarget(input) };
  return perform<{ runId: string }>(services, caller, act, async (scope) => {
    const backup = await requireStoredBackup(services, parseInput(BackupActInput, input).id);
    const request: RunRequest<"verify"> = { serverId: backup.serverId, backupId: backup.id };
    const run = await scope.startRun({ kind: "verify", request, ...aboutBackup(backup) });
    return { runId: run.id };
  });
}

/** Restores it to a scratch place, starts a real PostgreSQL there, checks, and throws it away. */
export function drillBackup(services: Services, caller: Caller, input: unknown) {
  const act = { name: "drillBackup", input: input as Record<string, unknown>, target: backupTarget(input) };
  return perform<{ runId: string }>(services, caller, act, async (scope) => {
    const backup = await requireRestorableBackup(services, parseInput(BackupActInput, input).id);
    const request: RunRequest<"drill"> = { serverId: backup.serverId, backupId: backup.id };
    const run = await scope.startRun({ kind: "drill", request, ...aboutBackup(backup) });
    return { runId: run.id };
  });
}

export const HoldBackupInput = z.object({
  id: EntityId,
  reason: z.string().trim().min(1, "say why it is held").max(10_000),
});

/** No retention and nobody deletes a held backup. */
export function holdBackup(services: Services, caller: Caller, input: unknown) {
  return mark(services, caller, "holdBackup", input, () => {
    const { id, reason } = parseInput(HoldBackupInput, input);
    return { id, kind: "hold", text: reason };
  });
}

export function releaseBackup(services: Services, caller: Caller, input: unknown) {
  return mark(services, caller, "releaseBackup", input, () => {
    const { id } = parseInput(BackupActInput, input);
    return { id, kind: "release", text: "" };
  });
}

export const AnnotateBackupInput = z.object({
  id: EntityId,
  note: z.string().trim().max(10_000).describe("Empty takes the note away."),
});

export function annotateBackup(services: Services, caller: Caller, input: unknown) {
  return mark(services, caller, "annotateBackup", input, () => {
    const { id, note } = parseInput(AnnotateBackupInput, input);
    return { id, kind: "note", text: note };
  });
}

interface MarkWanted {
  readonly id: string;
  readonly kind: RunRequest<"mark">["kind"];
  readonly text: string;
}

/** Marks are written into the repository by a worker; the row mirrors them when that is done. */
function mark(services: Services, caller: Caller, name: string, input: unknown, read: () => MarkWanted) {
  const act = { name, input: input as Record<string, unknown>, target: backupTarget(input) };
  return perform<{ runId: string; backupId: string }>(services, caller, act, async (scope) => {
    const wanted = read();
    const backup = await requireStoredBackup(services, wanted.id);
    const request: RunRequest<"mark"> = {
      serverId: backup.serverId,
      backupId: backup.id,
      kind: wanted.kind,
      text: wanted.text,
      by: scope.principal.name,
    };
    const run = await scope.startRun({ kind: "mark", request, ...aboutBackup(backup) });
    return { runId: run.id, backupId: backup.id };
  });
}

/** What a run about a backup points at. */
export function aboutBackup(backup: { id: string; serverId: string; repositoryId: string }) {
  return { backupId: backup.id, serverId: backup.serverId, repositoryId: backup.repositoryId };
}

export function backupTarget(input: unknown) {
  const { id } = input as { id?: unknown };
  return { kind: "backup", id: typeof id === "string" ? id : null };
}
