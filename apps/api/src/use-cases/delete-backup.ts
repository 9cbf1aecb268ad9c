import type { RunRequest } from "@tidemark/jobs";
import { AppError, hashValue } from "@tidemark/kit";
import type { BackupRow } from "@tidemark/metadata";
import { planRetention, type RetentionPolicy } from "@tidemark/policy";
import { z } from "zod";
import type { Services } from "../services.ts";
import { refuseStale } from "./apply-retention.ts";
import { aboutBackup, backupTarget } from "./backups.ts";
import { EntityId } from "./inputs.ts";
import { parseInput } from "./parse-input.ts";
import { type ActOutcome, type Caller, perform } from "./perform.ts";
import { requireStoredBackup } from "./requirements.ts";
import { freedAtLeast, isInRepository, retentionFacts } from "./retention-plan.ts";

export const DeleteBackupInput = z.object({
  id: EntityId,
  planHash: z.string().min(1).max(200).nullish().describe("The plan's hash; without it only the plan is answered."),
});

/** What deleting one backup would mean. */
export type DeletePlan = {
  readonly planHash: string;
  readonly backupId: string;
  readonly sentence: string;
  readonly consequences: readonly string[];
  /** Decimal text; null when nothing can be promised. */
  readonly freedBytesAtLeast: string | null;
  readonly allowed: boolean;
};

/** Without a hash: the plan. With the plan's hash: the run that deletes, or `plan-stale`. */
export function deleteBackup(
  services: Services,
  caller: Caller,
  input: unknown,
): Promise<ActOutcome<{ plan: DeletePlan; runId: string | null }>> {
  const act = { name: "deleteBackup", input: input as Record<string, unknown>, target: backupTarget(input) };
  return perform(services, caller, act, async (scope) => {
    const { id, planHash } = parseInput(DeleteBackupInput, input);
    const backup = await requireStoredBackup(services, id);
    const server = await services.metadata.servers.get(backup.serverId);
    const policy = server === null ? null : await services.metadata.policies.get(server.policyId);
    const rows = (await services.metadata.backups.ofServer(backup.serverId)).filter(isInRepository);
    const plan = planDeletion(backup, rows, policy, services.clock.now());
    if (planHash == null) return { plan, runId: null };
    refuseStale(plan.planHash, planHash);
    if (!plan.allowed) {
      throw new AppError(backup.hold === null ? "backup-protected" : "backup-held", { message: plan.sentence });
    }
    const request: RunRequest<"delete-backup"> = { serverId: backup.serverId, backupId: backup.id, planHash };
    const run = await scope.startRun({ kind: "delete-backup", request, ...aboutBackup(backup) });
    return { plan, runId: run.id };
  });
}

/** `rows`: what the repository holds of that server, newest first, the backup among them. `policy`: null when the server is gone. */
export function planDeletion(
  backup: BackupRow,
  rows: readonly BackupRow[],
  policy: RetentionPolicy | null,
  now: Date,
): DeletePlan {
  const usable = rows.filter((row) => row.damageDetail === null && row.state === "restorable");
  const isNewestUsable = usable[0]?.id === backup.id;
  const others = usable.filter((row) => row.id !== backup.id);
  const allowed = backup.hold === null && !isNewestUsable;
  const consequences = consequencesOf(backup, others, policy === null ? [] : keptBecause(backup, rows, policy, now));
  return {
    planHash: hashValue({ backupId: backup.id, allowed, others: others.map((row) => row.id) }),
    backupId: backup.id,
    sentence: sentenceOf(backup, isNewestUsable, others.length),
    consequences,
    freedBytesAtLeast: freedAtLeast(rows, new Set([backup.id]))?.toString() ?? null,
    allowed,
  };
}

function sentenceOf(backup: BackupRow, isNewestUsable: boolean, otherCount: number): string {
  const which = `The backup of ${atMinute(backup.startedAt)}`;
  if (backup.hold !== null)
    return `${which} is held by ${backup.hold.by} (${backup.hold.reason}) and cannot be deleted`;
  if (isNewestUsable) return `${which} is the newest usable one of its server and is never deleted`;
  const rest = otherCount === 1 ? "1 other backup stays" : `${otherCount} other backups stay`;
  return `${which} will be deleted; ${rest}, each restorable by itself`;
}

function consequencesOf(
  backup: BackupRow,
  others: readonly BackupRow[],
  keptReasons: readonly string[],
): readonly string[] {
  const consequences = keptReasons.map((reason) => `the retention policy would keep it: ${reason}`);
  const oldest = others.at(-1);
  if (backup.damageDetail !== null) consequences.push("it is damaged; parts of it might still have been readable");
  else if (oldest !== undefined && oldest.startedAt > backup.startedAt) {
    consequences.push(`the earliest backup is then that of ${atMinute(oldest.startedAt)}`);
  }
  if (backup.provenAt !== null && others.every((row) => row.provenAt === null)) {
    consequences.push("no other backup of this server is proven by a drill");
  }
  consequences.push("it cannot be undone; the disk space comes back after a grace period");
  return consequences;
}

function keptBecause(
  backup: BackupRow,
  rows: readonly BackupRow[],
  policy: RetentionPolicy,
  now: Date,
): readonly string[] {
  const plan = planRetention({ ...retentionFacts(rows), policy, now });
  return plan.kept.find((one) => one.backupId === backup.id)?.reasons.map((reason) => reason.sentence) ?? [];
}

function atMinute(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
