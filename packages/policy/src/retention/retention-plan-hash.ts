import { hashValue } from "@tidemark/kit";
import { periodRules, type RetentionPlan, type RetentionPolicy } from "./retention-types.ts";

/**
 * Names what a retention plan decides: the same as long as the same backups stay and go under the same rules. Sentences
 * of reasons name times and change by themselves, so they do not count.
 */
export function retentionPlanHash(serverId: string, policy: RetentionPolicy, plan: RetentionPlan): string {
  return hashValue({
    serverId,
    policy: {
      keepLast: policy.keepLast,
      windowDays: policy.windowDays,
      periods: periodRules.map((rule) => policy[rule]),
      timeZone: policy.timeZone,
      minimum: policy.minimum,
    },
    kept: plan.kept.map((one) => one.backupId),
    deleted: plan.deleted.map((one) => one.backupId),
  });
}
