import type { RunRequest } from "@tidemark/jobs";
import { z } from "zod";
import type { Services } from "../services.ts";
import { EntityId } from "./inputs.ts";
import { badField, parseInput } from "./parse-input.ts";
import { type Caller, perform } from "./perform.ts";
import { requireRepository, requireServer, requireStoredBackup } from "./requirements.ts";

export const SetSecondRepositoryInput = z.object({
  serverId: EntityId,
  repositoryId: EntityId.nullable().describe("Where copies of its backups go; null: nowhere any more."),
});

/** Says where a server's backups are copied to. What was copied before stays there; a first copy starts at once. */
export function setSecondRepository(services: Services, caller: Caller, input: unknown) {
  const act = { name: "setSecondRepository", input: input as Record<string, unknown>, target: serverTarget(input) };
  return perform<{ serverId: string; runId: string | null }>(services, caller, act, async (scope) => {
    const { serverId, repositoryId } = parseInput(SetSecondRepositoryInput, input);
    const server = await requireServer(services, serverId, "serverId");
    if (repositoryId === null) {
      await services.metadata.servers.update(server.id, { copyToId: null });
      return { serverId: server.id, runId: null };
    }
    const repository = await requireRepository(services, repositoryId, "repositoryId");
    if (repository.id === server.repositoryId) {
      throw badField(
        "repositoryId",
        `${repository.name} is where its backups are: a copy there would be lost with them`,
      );
    }
    if (repository.formatId === null) throw badField("repositoryId", `${repository.name} is not attached`);
    const first = await services.metadata.repositories.get(server.repositoryId);
    if (first?.formatId === repository.formatId) {
      throw badField("repositoryId", `${repository.name} and ${first?.name} are the same repository`);
    }
    await services.metadata.servers.update(server.id, { copyToId: repository.id });
    const request: RunRequest<"copy"> = { serverId: server.id, backupId: null, heal: false };
    const run = await scope.startRun({ kind: "copy", request, serverId: server.id, repositoryId: repository.id });
    return { serverId: server.id, runId: run.id };
  });
}

export const CopyBackupsInput = z.object({
  serverId: EntityId,
  backupId: EntityId.nullish().describe("One backup; all that are usable and not there yet when left out."),
  heal: z
    .boolean()
    .nullish()
    .describe(
      "First bring back from there what is damaged or missing in the first repository. Copies that a verification found damaged are brought anew.",
    ),
});

/** Brings backups to the server's second repository now; a copy follows each backup by itself. */
export function copyBackups(services: Services, caller: Caller, input: unknown) {
  const act = { name: "copyBackups", input: input as Record<string, unknown>, target: serverTarget(input) };
  return perform<{ runId: string }>(services, caller, act, async (scope) => {
    const parsed = parseInput(CopyBackupsInput, input);
    const server = await requireServer(services, parsed.serverId, "serverId");
    if (server.copyToId === null) throw badField("serverId", `${server.name} has no second repository`);
    const backupId = parsed.backupId ?? null;
    if (backupId !== null && (await requireStoredBackup(services, backupId)).serverId !== server.id) {
      throw badField("backupId", `${backupId} is no backup of ${server.name}`);
    }
    const request: RunRequest<"copy"> = { serverId: server.id, backupId, heal: parsed.heal ?? false };
    const about = { serverId: server.id, repositoryId: server.copyToId, backupId };
    return { runId: (await scope.startRun({ kind: "copy", request, ...about })).id };
  });
}

export const RebuildCatalogInput = z.object({ repositoryId: EntityId });

/** Makes rows of the servers, backups and holds that a repository holds, from its bytes alone. */
export function rebuildCatalog(services: Services, caller: Caller, input: unknown) {
  const { repositoryId: asked } = input as { repositoryId?: unknown };
  const target = { kind: "repository", id: typeof asked === "string" ? asked : null };
  const act = { name: "rebuildCatalog", input: input as Record<string, unknown>, target };
  return perform<{ runId: string }>(services, caller, act, async (scope) => {
    const { repositoryId } = parseInput(RebuildCatalogInput, input);
    const repository = await requireRepository(services, repositoryId, "repositoryId");
    if (repository.formatId === null) throw badField("repositoryId", `${repository.name} is not attached`);
    const request: RunRequest<"rebuild-catalog"> = { repositoryId: repository.id };
    const run = await scope.startRun({ kind: "rebuild-catalog", request, repositoryId: repository.id });
    return { runId: run.id };
  });
}

function serverTarget(input: unknown) {
  const { serverId } = input as { serverId?: unknown };
  return { kind: "server", id: typeof serverId === "string" ? serverId : null };
}
