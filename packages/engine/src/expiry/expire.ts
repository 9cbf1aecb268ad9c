import { AppError, type Clock, formatBytes, idTime } from "@tidemark/kit";
import {
  type DeletedBackup,
  planRetention,
  type RetentionCandidate,
  type RetentionHold,
  type RetentionPlan,
  type RetentionPolicy,
} from "@tidemark/policy";
import type { CollectionReport, ServerArea } from "@tidemark/repository";
import { type ActControl, reachStep } from "../act.ts";
import { type CatalogEntry, listCatalog } from "../catalog.ts";

export interface ExpiryDeps {
  readonly area: ServerArea;
  readonly clock: Clock;
  /** Backups that a drill has proven elsewhere: of copies, those proven in the first repository. */
  readonly provenIds?: ReadonlySet<string>;
}

/** A retention as a value: shown, kept, and executed later, if the world still agrees. */
export interface ExpiryPlan {
  readonly serverId: string;
  readonly policy: RetentionPolicy;
  readonly retention: RetentionPlan;
}

export interface ExpiryReport {
  readonly keptCount: number;
  readonly deletedIds: readonly string[];
  /** Planned, but gone already: somebody else, or an earlier attempt of this run, deleted them. */
  readonly alreadyGoneIds: readonly string[];
}

/** Applies a policy to what the repository holds now. */
export async function planExpiry(deps: ExpiryDeps, policy: RetentionPolicy): Promise<ExpiryPlan> {
  const catalog = await listCatalog(deps.area);
  return { serverId: deps.area.serverId, policy, retention: planFor(catalog, policy, deps) };
}

/**
 * Deletes what the plan names, oldest first, each manifest before its marks; the packs wait for `collectGarbage`.
 * Before anything is deleted, and again before each one, the plan is compared with the repository as it is now:
 * a backup that would be kept today (held meanwhile, or the only usable one left) makes it refuse with `plan-stale`.
 * Running it twice is the same as once.
 */
export async function executeExpiry(deps: ExpiryDeps, plan: ExpiryPlan, control: ActControl): Promise<ExpiryReport> {
  const planned = plan.retention.deleted.map((one) => one.backupId).reverse();
  await refuseStale(deps, plan, new Set(planned));
  const deletedIds: string[] = [];
  const alreadyGoneIds: string[] = [];
  control.emit({ kind: "phase", phase: "deleting", message: `deleting ${planned.length} backups` });
  for (const backupId of planned) {
    await reachStep(control, deletedIds.length === 0 ? "expiry:before-delete" : "expiry:between-deletes");
    const present = await refuseStale(deps, plan, new Set([backupId]));
    if (!present.has(backupId)) {
      alreadyGoneIds.push(backupId);
      continue;
    }
    await deps.area.deleteBackup(backupId);
    deletedIds.push(backupId);
    control.emit({
      kind: "log",
      level: "info",
      message: `deleted ${backupId}: ${reasonsOf(plan.retention.deleted, backupId)}`,
    });
  }
  return { keptCount: plan.retention.kept.length, deletedIds, alreadyGoneIds };
}

/** Deletion of one backup by a person: allowed unless it is held or the newest usable one. */
export interface DeletionPlan {
  readonly serverId: string;
  readonly backupId: string;
  readonly plannedAt: Date;
  readonly allowed: boolean;
  readonly code: "backup-held" | "backup-protected" | null;
  readonly sentence: string;
}

/** Throws `not-found` for a backup the repository does not hold. */
export async function planDeletion(deps: ExpiryDeps, backupId: string): Promise<DeletionPlan> {
  const catalog = await listCatalog(deps.area);
  const entry = catalog.find((one) => one.backup.backupId === backupId);
  if (entry === undefined)
    throw new AppError("not-found", { message: `there is no backup ${backupId} in the repository` });
  const base = { serverId: deps.area.serverId, backupId, plannedAt: deps.clock.now() };
  if (entry.hold !== null) {
    return {
      ...base,
      allowed: false,
      code: "backup-held",
      sentence: `it is held by ${entry.hold.by}; release the hold first`,
    };
  }
  const usable = catalog.filter(isUsable);
  if (usable.length > 0 && usable.every((one) => one.backup.backupId === backupId)) {
    return {
      ...base,
      allowed: false,
      code: "backup-protected",
      sentence: "it is the only usable backup of this server",
    };
  }
  const newest = [...usable].sort((left, right) => endOf(right).getTime() - endOf(left).getTime())[0];
  if (newest?.backup.backupId === backupId) {
    return {
      ...base,
      allowed: false,
      code: "backup-protected",
      sentence: "it is the newest usable backup of this server",
    };
  }
  const left = usable.filter((one) => one.backup.backupId !== backupId).length;
  return { ...base, allowed: true, code: null, sentence: `it is deleted for good; ${left} usable backups remain` };
}

/** Throws `backup-held`, `backup-protected`, or succeeds also when the backup is gone already. */
export async function executeDeletion(
  deps: ExpiryDeps,
  plan: DeletionPlan,
  control: ActControl,
): Promise<ExpiryReport> {
  const catalog = await listCatalog(deps.area);
  const keptCount = catalog.filter((one) => one.backup.backupId !== plan.backupId).length;
  if (keptCount === catalog.length) return { keptCount, deletedIds: [], alreadyGoneIds: [plan.backupId] };
  await reachStep(control, "expiry:before-delete");
  const now = await planDeletion(deps, plan.backupId);
  if (now.code !== null) {
    throw new AppError(now.code, {
      message: `${plan.backupId} cannot be deleted: ${now.sentence}`,
      hint: "nothing was deleted",
    });
  }
  await deps.area.deleteBackup(plan.backupId);
  return { keptCount, deletedIds: [plan.backupId], alreadyGoneIds: [] };
}

export interface CollectRequest {
  /** Packs younger than this are never touched, and a marked one waits this long. */
  readonly graceMs: number;
  readonly runningBackupIds: readonly string[];
}

/** Marks packs nobody needs, and removes those marked long enough ago. */
export async function collectGarbage(
  deps: ExpiryDeps,
  request: CollectRequest,
  control: ActControl,
): Promise<CollectionReport> {
  control.emit({ kind: "phase", phase: "collecting", message: "looking for packs that no backup needs" });
  await reachStep(control, "collect:before-plan");
  const plan = await deps.area.planCollection({ ...request, now: deps.clock.now() });
  await reachStep(control, "collect:before-execute");
  const report = await deps.area.executeCollection(plan, control.signal);
  const message = `${report.marked} packs marked, ${report.removedPacks} removed, ${formatBytes(report.freedBytes)} freed`;
  control.emit({ kind: "log", level: "info", message });
  return report;
}

function planFor(catalog: readonly CatalogEntry[], policy: RetentionPolicy, deps: ExpiryDeps): RetentionPlan {
  const now = deps.clock.now();
  const backups = catalog.map((entry) => toCandidate(entry, deps.provenIds));
  const holds = catalog.flatMap(({ backup, hold }): RetentionHold[] =>
    hold === null ? [] : [{ backupId: backup.backupId, by: hold.by, text: hold.text }],
  );
  return planRetention({ backups, policy, holds, now });
}

function toCandidate(entry: CatalogEntry, provenIds?: ReadonlySet<string>): RetentionCandidate {
  const { backup } = entry;
  return {
    backupId: backup.backupId,
    state: isUsable(entry) ? "usable" : "damaged",
    // A manifest that cannot be read tells no time, but its id does.
    startedAt: backup.facts?.startedAt ?? idTime(backup.backupId) ?? new Date(0),
    stoppedAt: endOf(entry),
    proven: entry.provenAt !== null || provenIds?.has(backup.backupId) === true,
  };
}

function isUsable(entry: CatalogEntry): boolean {
  return entry.damaged === null && entry.backup.facts !== null;
}

function endOf(entry: CatalogEntry): Date {
  return entry.backup.facts?.stoppedAt ?? idTime(entry.backup.backupId) ?? new Date(0);
}

/** The ids present now; throws `plan-stale` when one of `ids` is present and would not be deleted today. */
async function refuseStale(deps: ExpiryDeps, plan: ExpiryPlan, ids: ReadonlySet<string>): Promise<ReadonlySet<string>> {
  if (plan.serverId !== deps.area.serverId) throw stale("it was made for another server");
  const catalog = await listCatalog(deps.area);
  const today = planFor(catalog, plan.policy, deps);
  for (const kept of today.kept) {
    if (!ids.has(kept.backupId)) continue;
    throw stale(`${kept.backupId} would be kept now (${kept.reasons.map((reason) => reason.sentence).join("; ")})`);
  }
  return new Set(catalog.map((one) => one.backup.backupId));
}

function stale(why: string): AppError {
  return new AppError("plan-stale", {
    message: `the retention plan is out of date: ${why}`,
    hint: "this backup was not deleted; look at a new preview",
  });
}

function reasonsOf(deleted: readonly DeletedBackup[], backupId: string): string {
  const reasons = deleted.find((one) => one.backupId === backupId)?.reasons ?? [];
  return reasons.map((reason) => reason.sentence).join("; ");
}
