import { formatBytes } from "@tidemark/kit";
import type { BackupRow } from "@tidemark/metadata";
import {
  describeRetention,
  planRetention,
  type RetentionPlan,
  type RetentionPolicy,
  retentionPlanHash,
} from "@tidemark/policy";
import type { Services } from "../services.ts";

/** What retention would do to a server's backups, from the mirror's rows. */
export interface RetentionPreview {
  /** Names the plan: the same as long as the same backups stay and go under the same rules. */
  readonly planHash: string;
  readonly kept: readonly RetentionDecision[];
  readonly deleted: readonly RetentionDecision[];
  /** Bytes that are freed at least; null when nothing can be promised. */
  readonly freedBytesAtLeast: bigint | null;
  readonly sentence: string;
}

export interface RetentionDecision {
  readonly backup: BackupRow;
  readonly reasons: readonly string[];
}

export async function previewRetention(
  services: Services,
  serverId: string,
  policy: RetentionPolicy,
): Promise<RetentionPreview> {
  const rows = (await services.metadata.backups.ofServer(serverId)).filter(isInRepository);
  const plan = planRetention({ ...retentionFacts(rows), policy, now: services.clock.now() });
  const byId = new Map(rows.map((row) => [row.id, row]));
  const decide = (one: { backupId: string; reasons: readonly { sentence: string }[] }): RetentionDecision[] => {
    const backup = byId.get(one.backupId);
    return backup === undefined ? [] : [{ backup, reasons: one.reasons.map((reason) => reason.sentence) }];
  };
  const deleted = plan.deleted.flatMap(decide);
  const freed = freedAtLeast(rows, new Set(plan.deleted.map((one) => one.backupId)));
  return {
    planHash: retentionPlanHash(serverId, policy, plan),
    kept: plan.kept.flatMap(decide),
    deleted,
    freedBytesAtLeast: freed,
    sentence: sentenceOf(plan, policy, freed),
  };
}

/** Only what is in the repository can be kept or deleted there; running and failed attempts are none of retention's. */
export function isInRepository(row: BackupRow): boolean {
  return row.state === "restorable" || row.state === "stored";
}

/** Rows as the policy reads them. */
export function retentionFacts(rows: readonly BackupRow[]) {
  return {
    backups: rows.map((row) => ({
      backupId: row.id,
      state: row.damageDetail === null ? ("usable" as const) : ("damaged" as const),
      startedAt: row.startedAt,
      stoppedAt: row.finishedAt,
      proven: row.provenAt !== null,
    })),
    holds: rows.flatMap((row) =>
      row.hold === null ? [] : [{ backupId: row.id, by: row.hold.by, text: row.hold.reason }],
    ),
  };
}

/**
 * What a backup stored may be pointed at by any newer one, so only what goes together with everything newer is sure to
 * be freed. Null instead of nought: more may well be freed.
 */
export function freedAtLeast(newestFirst: readonly BackupRow[], deletedIds: ReadonlySet<string>): bigint | null {
  let freed = 0n;
  for (const row of newestFirst) {
    if (!deletedIds.has(row.id)) break;
    freed += row.storedBytes ?? 0n;
  }
  return freed === 0n ? null : freed;
}

function sentenceOf(plan: RetentionPlan, policy: RetentionPolicy, freed: bigint | null): string {
  const rules = describeRetention(policy);
  if (plan.deleted.length === 0) return `Nothing would be deleted: ${rules}; ${countBackups(plan.kept.length)} kept`;
  const bytes = freed === null ? "" : `, at least ${formatBytes(freed)} freed`;
  return `${countBackups(plan.deleted.length)} would be deleted and ${plan.kept.length} kept${bytes}: the policy ${rules}`;
}

function countBackups(count: number): string {
  return count === 1 ? "1 backup" : `${count} backups`;
}
