import { formatBytes } from "@tidemark/kit";
import type { BackupRow, Server } from "@tidemark/metadata";
import {
  describeRetention,
  planRetention,
  type RetentionPlan,
  type RetentionPolicy,
  retentionPlanHash,
} from "@tidemark/policy";
import type { Services } from "../services.ts";
import { previewWal, type WalPreview } from "./wal-preview.ts";

/** What retention would do to a server's backups, from the mirror's rows. */
export interface RetentionPreview {
  /** Names the plan: the same as long as the same backups stay and go under the same rules. */
  readonly planHash: string;
  readonly kept: readonly RetentionDecision[];
  readonly deleted: readonly RetentionDecision[];
  /** Bytes that are freed at least; null when nothing can be promised. */
  readonly freedBytesAtLeast: bigint | null;
  readonly sentence: string;
  /** The WAL that goes and stays with them; null where none is kept. Not part of the hash: it is decided anew when it goes. */
  readonly wal: WalPreview | null;
  /** The same for the copies in the second repository, as last seen there; null where there is none. */
  readonly copies: CopyRetention | null;
}

/** The worker decides by what the second repository holds when it comes to it. */
export interface CopyRetention {
  readonly repositoryId: string;
  readonly kept: readonly RetentionDecision[];
  readonly deleted: readonly RetentionDecision[];
  readonly wal: WalPreview | null;
  readonly sentence: string;
}

export interface RetentionDecision {
  readonly backup: BackupRow;
  readonly reasons: readonly string[];
}

export async function previewRetention(
  services: Services,
  server: Pick<Server, "id" | "repositoryId" | "copyToId">,
  policy: RetentionPolicy,
): Promise<RetentionPreview> {
  const rows = (await services.metadata.backups.ofServer(server.id)).filter(isInRepository);
  const { plan, kept, deleted } = decideOn(rows, policy, services.clock.now());
  const freed = freedAtLeast(rows, new Set(plan.deleted.map((one) => one.backupId)));
  return {
    planHash: retentionPlanHash(server.id, policy, plan),
    kept,
    deleted,
    freedBytesAtLeast: freed,
    sentence: sentenceOf(plan, policy, freed),
    wal: await previewWal(services, {
      server,
      repositoryId: server.repositoryId,
      kept: kept.map(({ backup }) => backup),
      windowDays: policy.windowDays,
    }),
    copies: await previewCopies(services, server, policy),
  };
}

/** Copies outlive what they are copies of, so backups that are deleted in the first repository are among them. */
async function previewCopies(
  services: Services,
  { id, copyToId }: Pick<Server, "id" | "copyToId">,
  policy: RetentionPolicy,
): Promise<CopyRetention | null> {
  if (copyToId === null) return null;
  const { metadata, clock } = services;
  const copies = await metadata.copies.ofServers([id]);
  const there = copies.filter(({ repositoryId, goneAt }) => repositoryId === copyToId && goneAt === null);
  const rows = await metadata.backups.getMany(there.map(({ backupId }) => backupId));
  // What is damaged in the first is not so in the second: nothing that does not open was copied.
  const sound = rows.map((row) => ({ ...row, damageDetail: null }));
  sound.sort((left, right) => right.startedAt.getTime() - left.startedAt.getTime());
  const { plan, kept, deleted } = decideOn(sound, policy, clock.now());
  const wal = await previewWal(services, {
    server: { id },
    repositoryId: copyToId,
    kept: kept.map(({ backup }) => backup),
    windowDays: policy.windowDays,
  });
  return { repositoryId: copyToId, kept, deleted, wal, sentence: sentenceOf(plan, policy, null) };
}

function decideOn(rows: readonly BackupRow[], policy: RetentionPolicy, now: Date) {
  const plan = planRetention({ ...retentionFacts(rows), policy, now });
  const byId = new Map(rows.map((row) => [row.id, row]));
  const decide = (one: { backupId: string; reasons: readonly { sentence: string }[] }): RetentionDecision[] => {
    const backup = byId.get(one.backupId);
    return backup === undefined ? [] : [{ backup, reasons: one.reasons.map((reason) => reason.sentence) }];
  };
  return { plan, kept: plan.kept.flatMap(decide), deleted: plan.deleted.flatMap(decide) };
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
