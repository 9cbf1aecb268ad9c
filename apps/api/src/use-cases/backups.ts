import { BackupMethod, type RunRequest } from "@tidemark/jobs";
import { AppError, newId } from "@tidemark/kit";
import type { Server } from "@tidemark/metadata";
import { z } from "zod";
import type { Services } from "../services.ts";
import { EntityId } from "./inputs.ts";
import { badField, parseInput } from "./parse-input.ts";
import { type Caller, perform } from "./perform.ts";
import { requireOnlineServer, requireServer, requireStoredBackup } from "./requirements.ts";

export const TakeBackupInput = z.object({
  serverId: EntityId,
  checkpoint: z.enum(["fast", "spread"]).nullish().describe("How the server begins; fast when left out."),
  maxRateKib: z.number().int().min(32).max(1_048_576).nullish().describe("Limit in KiB/s, 32 to 1048576."),
  label: z.string().trim().min(1).max(200).nullish(),
  method: BackupMethod.nullish().describe(
    "How files come; the server's own method when left out. local-files is only for servers on the worker's own machine.",
  ),
  readers: z
    .number()
    .int()
    .min(1)
    .max(16)
    .nullish()
    .describe("How many files are read side by side, 1 to 16; 4 when left out. A stream is one whatever is said."),
  memberName: z.string().min(1).max(63).nullish().describe("Take it from this member (a standby)."),
  reading: z
    .enum(["auto", "full"])
    .nullish()
    .describe(
      "auto: only what changed, where the server allows it; full: everything. The backup is complete either way.",
    ),
});

/** Makes the run and the running backup's row in one transaction. */
export function takeBackup(services: Services, caller: Caller, input: unknown) {
  const act = { name: "takeBackup", input: input as Record<string, unknown> };
  return perform<{ runId: string; backupId: string }>(services, caller, act, async (scope) => {
    const parsed = parseInput(TakeBackupInput, input);
    const server = await requireOnlineServer(services, parsed.serverId);
    if (parsed.memberName != null) await requireMember(services, server, parsed.memberName);
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
      method: parsed.method ?? server.backupMethod,
      readers: parsed.readers ?? 4,
      memberName: parsed.memberName ?? null,
      reading: parsed.reading ?? "auto",
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

/** Throws `not-found` unless the server has such a member, and names those it has. */
async function requireMember(services: Services, server: Server, name: string): Promise<void> {
  const members = await services.metadata.servers.membersOf([server.id]);
  if (members.some((member) => member.name === name)) return;
  throw new AppError("not-found", {
    message: `${server.name} has no member ${name}`,
    hint:
      members.length === 0
        ? "register its standby as a member first"
        : `its members: ${members.map((member) => member.name).join(", ")}`,
    context: { field: "memberName" },
  });
}

export const BackupActInput = z.object({ id: EntityId });

const VerifyHow = z.object({
  tier: z
    .enum(["metadata", "stored", "whole"])
    .nullish()
    .describe("How deep: directories only, stored bytes, or all of it opened; whole when left out."),
  part: z.number().int().min(1).max(4096).nullish().describe("Which part of the packs; with `parts`."),
  parts: z.number().int().min(1).max(4096).nullish().describe("Into how many parts the packs are divided."),
});

export const VerifyBackupInput = BackupActInput.extend(VerifyHow.shape);

/** Reads what a backup consists of, as deep as asked, and compares. */
export function verifyBackup(services: Services, caller: Caller, input: unknown) {
  const act = { name: "verifyBackup", input: input as Record<string, unknown>, target: backupTarget(input) };
  return perform<{ runId: string }>(services, caller, act, async (scope) => {
    const parsed = parseInput(VerifyBackupInput, input);
    const backup = await requireStoredBackup(services, parsed.id);
    const about = { serverId: backup.serverId, backupId: backup.id, repositoryId: null };
    const request: RunRequest<"verify"> = { ...about, ...verifyHow(parsed) };
    const run = await scope.startRun({ kind: "verify", request, ...aboutBackup(backup) });
    return { runId: run.id };
  });
}

export const VerifyAreaInput = VerifyHow.extend({
  serverId: EntityId,
  repositoryId: EntityId.nullish().describe("Its first repository when left out; the second one's copies by its id."),
});

/** The same of every backup a server has in a repository: each pack is read once for all that share it. */
export function verifyArea(services: Services, caller: Caller, input: unknown) {
  const { serverId } = input as { serverId?: unknown };
  const target = { kind: "server", id: typeof serverId === "string" ? serverId : null };
  const act = { name: "verifyArea", input: input as Record<string, unknown>, target };
  return perform<{ runId: string }>(services, caller, act, async (scope) => {
    const parsed = parseInput(VerifyAreaInput, input);
    const server = await requireServer(services, parsed.serverId, "serverId");
    const repositoryId = parsed.repositoryId ?? server.repositoryId;
    if (repositoryId !== server.repositoryId && repositoryId !== server.copyToId) {
      throw badField("repositoryId", `neither the backups of ${server.name} nor their copies are in that repository`);
    }
    const about = { serverId: server.id, backupId: null, repositoryId };
    const request: RunRequest<"verify"> = { ...about, ...verifyHow(parsed) };
    return { runId: (await scope.startRun({ kind: "verify", request, serverId: server.id, repositoryId })).id };
  });
}

function verifyHow({ tier, part, parts }: z.infer<typeof VerifyHow>): Pick<RunRequest<"verify">, "tier" | "subset"> {
  return { tier: tier ?? "whole", subset: subsetOf(part ?? null, parts ?? null) };
}

function subsetOf(part: number | null, parts: number | null): RunRequest<"verify">["subset"] {
  if (part === null && parts === null) return null;
  if (part === null || parts === null) throw badField("part", "a part and the number of parts belong together");
  if (part > parts) throw badField("part", `there is no part ${part} of ${parts}`);
  return { part, of: parts };
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
