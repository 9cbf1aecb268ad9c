import { RestorePlanResult, type RunRequest } from "@tidemark/jobs";
import { AppError } from "@tidemark/kit";
import type { Run } from "@tidemark/metadata";
import { z } from "zod";
import type { Services } from "../services.ts";
import { refuseStale } from "./apply-retention.ts";
import { AbsoluteDirectory, EntityId } from "./inputs.ts";
import { badField, parseInput } from "./parse-input.ts";
import { type Caller, perform } from "./perform.ts";
import { RestoreRecoveryInput, recoveryJson } from "./recovery-target.ts";
import { requireRestorableBackup, requireRun, requireServer } from "./requirements.ts";

export const PlanRestoreInput = z.object({
  serverId: EntityId,
  backupId: EntityId.nullish().describe("The newest restorable one when left out."),
  targetDirectory: AbsoluteDirectory.describe(
    "An empty directory on the worker's machine; with `delta` the data directory to rewrite.",
  ),
  tablespaces: z
    .array(z.object({ from: AbsoluteDirectory, to: AbsoluteDirectory }))
    .max(1_000)
    .nullish(),
  owner: z
    .string()
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/, "a user name or number is needed")
    .nullish()
    .describe("Who owns the result when the worker runs as root."),
  delta: z
    .boolean()
    .nullish()
    .describe("Rewrite what differs in a stopped server's data directory, and remove what the backup does not have."),
  databases: z
    .array(z.string().min(1).max(63))
    .min(1)
    .max(1_000)
    .nullish()
    .describe("Only these databases whole; the others' files are left empty. All of them when left out."),
  recovery: RestoreRecoveryInput.nullish().describe(
    "To a point in time; to the end of the backup, without WAL from the archive, when left out.",
  ),
  adopt: z
    .boolean()
    .nullish()
    .describe(
      "The restored server takes its source's place: its it archives and receives subscriptions as the source did.",
    ),
});

/** Starts the run that plans a restore on a worker: pre-flight checks, bytes, files. */
export function planRestore(services: Services, caller: Caller, input: unknown) {
  const { serverId } = input as { serverId?: unknown };
  const target = { kind: "server", id: typeof serverId === "string" ? serverId : null };
  const act = { name: "planRestore", input: input as Record<string, unknown>, target };
  return perform<{ runId: string }>(services, caller, act, async (scope) => {
    const parsed = parseInput(PlanRestoreInput, input);
    const server = await requireServer(services, parsed.serverId);
    const backup =
      parsed.backupId == null ? null : await requireRestorableBackup(services, parsed.backupId, "backupId");
    if (backup !== null && backup.serverId !== server.id) {
      throw badField("backupId", `backup ${backup.id} is of another server than ${server.name}`);
    }
    const request: RunRequest<"restore-plan"> = {
      serverId: server.id,
      backupId: backup?.id ?? null,
      targetDirectory: parsed.targetDirectory,
      tablespaces: parsed.tablespaces ?? [],
      owner: parsed.owner ?? null,
      delta: parsed.delta ?? false,
      databases: parsed.databases ?? null,
      recovery: parsed.recovery == null ? null : recoveryJson(parsed.recovery),
      adopt: parsed.adopt ?? false,
    };
    const run = await scope.startRun({
      kind: "restore-plan",
      request,
      serverId: server.id,
      repositoryId: backup?.repositoryId ?? server.repositoryId,
      backupId: backup?.id ?? null,
    });
    return { runId: run.id };
  });
}

export const RunRestoreInput = z.object({ planRunId: EntityId, planHash: z.string().min(1).max(200) });

/** Executes the plan of a finished plan run; refuses one that was not shown, is stale, or whose checks failed. */
export function runRestore(services: Services, caller: Caller, input: unknown) {
  const { planRunId } = input as { planRunId?: unknown };
  const target = { kind: "run", id: typeof planRunId === "string" ? planRunId : null };
  const act = { name: "runRestore", input: input as Record<string, unknown>, target };
  return perform<{ runId: string }>(services, caller, act, async (scope) => {
    const parsed = parseInput(RunRestoreInput, input);
    const planRun = await requireRun(services, parsed.planRunId, "planRunId");
    const plan = restorePlanOf(planRun);
    if (plan === null || planRun.serverId === null) {
      throw badField("planRunId", `run ${planRun.id} has no restore plan (${planRun.kind}, ${planRun.state})`);
    }
    refuseStale(plan.planHash, parsed.planHash);
    const failed = plan.checks.filter((check) => check.state === "failed");
    if (!plan.ok) {
      throw new AppError("bad-request", {
        message: `the plan cannot be executed: ${failed.map((check) => check.sentence).join("; ")}`,
        hint: "mend that and plan again; nothing was written",
        context: { field: "planRunId" },
      });
    }
    const backup = await requireRestorableBackup(services, plan.backupId, "planRunId");
    const request: RunRequest<"restore"> = {
      serverId: planRun.serverId,
      planRunId: planRun.id,
      planHash: parsed.planHash,
    };
    const run = await scope.startRun({
      kind: "restore",
      request,
      serverId: planRun.serverId,
      repositoryId: backup.repositoryId,
      backupId: backup.id,
    });
    return { runId: run.id };
  });
}

/** The plan of a plan run that succeeded, or null. */
export function restorePlanOf(run: Run): RestorePlanResult | null {
  if (run.kind !== "restore-plan" || run.state !== "succeeded") return null;
  return RestorePlanResult.parse(run.result);
}
