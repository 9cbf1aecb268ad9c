import type { RunRequest } from "@tidemark/jobs";
import { z } from "zod";
import type { Services } from "../services.ts";
import { EntityId } from "./inputs.ts";
import { parseInput } from "./parse-input.ts";
import { type Caller, perform } from "./perform.ts";
import { requireOnlineServer } from "./requirements.ts";
import { serverTarget } from "./server-acts.ts";

export const InspectServerInput = z.object({
  serverId: EntityId,
  checkIds: z
    .array(z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "a check's id has small letters, digits and dashes"))
    .min(1)
    .max(100)
    .nullish()
    .describe("Only these checks; everything, and a new snapshot, when left out."),
});

/** Reads what a server tells of itself and runs its checks; or only some checks ("re-check this one"). */
export function inspectServer(services: Services, caller: Caller, input: unknown) {
  const act = { name: "inspectServer", input: input as Record<string, unknown>, target: serverTarget(input) };
  return perform<{ runId: string }>(services, caller, act, async (scope) => {
    const { serverId, checkIds } = parseInput(InspectServerInput, input);
    const server = await requireOnlineServer(services, serverId);
    const request: RunRequest<"inspect"> = { serverId: server.id, checkIds: checkIds ?? null };
    const run = await scope.startRun({ kind: "inspect", request, serverId: server.id });
    return { runId: run.id };
  });
}
