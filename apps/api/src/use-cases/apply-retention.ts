import type { RunRequest } from "@tidemark/jobs";
import { AppError } from "@tidemark/kit";
import { z } from "zod";
import type { Services } from "../services.ts";
import { EntityId } from "./inputs.ts";
import { notFound, parseInput } from "./parse-input.ts";
import { type Caller, perform } from "./perform.ts";
import { requireServer } from "./requirements.ts";
import { previewRetention } from "./retention-plan.ts";

export const ApplyRetentionInput = z.object({ serverId: EntityId, planHash: z.string().min(1).max(200) });

/** Executes the plan that was shown; `plan-stale` when the same rules would decide otherwise now. */
export function applyRetention(services: Services, caller: Caller, input: unknown) {
  const { serverId } = input as { serverId?: unknown };
  const target = { kind: "server", id: typeof serverId === "string" ? serverId : null };
  const act = { name: "applyRetention", input: input as Record<string, unknown>, target };
  return perform<{ runId: string }>(services, caller, act, async (scope) => {
    const parsed = parseInput(ApplyRetentionInput, input);
    const server = await requireServer(services, parsed.serverId);
    const policy = await services.metadata.policies.get(server.policyId);
    if (policy === null) throw notFound("policy", server.policyId);
    const preview = await previewRetention(services, server, policy);
    refuseStale(preview.planHash, parsed.planHash);
    const request: RunRequest<"retention"> = { serverId: server.id, planHash: parsed.planHash };
    const run = await scope.startRun({
      kind: "retention",
      request,
      serverId: server.id,
      repositoryId: server.repositoryId,
    });
    return { runId: run.id };
  });
}

/** Throws `plan-stale` when what was shown is not what would be done now. */
export function refuseStale(now: string, shown: string): void {
  if (now === shown) return;
  throw new AppError("plan-stale", {
    message: "the plan that was shown is not the plan of now: backups, holds or rules have changed",
    hint: "nothing was deleted; look at the new plan",
    context: { field: "planHash" },
  });
}
