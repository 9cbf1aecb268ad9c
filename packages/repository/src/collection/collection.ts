import { AppError } from "@tidemark/kit";
import type { ObjectFacts } from "@tidemark/storage";
import { revokeManifest } from "../backup/revocation.ts";
import { ManifestObject, readManifestBeginning } from "../manifests/manifest-object.ts";
import { readPackWriter } from "../packs/pack-directory.ts";
import { allMarksPrefix, backupsPrefix, leaseKey, nameOf, packKey, packsPrefix } from "../paths.ts";
import type { RepositoryContext } from "../repository-context.ts";
import type { CollectionOptions, CollectionPlan, CollectionReport } from "../types.ts";
import { aboutCollection, latestPass, putPass, removePassesBefore } from "./collection-pass.ts";
import { listLeases } from "./lease.ts";

/**
 * Garbage: packs that no manifest points into. A pack goes only when it was seen dead in an earlier pass and in every
 * pass since, for longer than the grace period, and when no backup or reader is at work that might need it.
 *
 * Throws `manifest-damaged` when a manifest cannot be read: what it needs cannot be known, so nothing may go.
 */
export async function planCollection(
  context: RepositoryContext,
  serverId: string,
  options: CollectionOptions,
): Promise<CollectionPlan> {
  return (await survey(context, serverId, options)).plan;
}

export async function executeCollection(
  context: RepositoryContext,
  serverId: string,
  plan: CollectionPlan,
  signal: AbortSignal | undefined,
): Promise<CollectionReport> {
  const current = await survey(context, serverId, plan.options);
  assertSame(plan, current.plan);
  await context.step("collect:before-mark");
  const passKey = await putPass(context, serverId, { at: plan.options.now, deadSince: current.deadSince });
  await context.step("collect:before-revoke");
  for (const backupId of plan.revoke) {
    if ((await revokeManifest(context, serverId, backupId)) === "committed")
      throw stale(`backup ${backupId} was committed`);
  }
  // A backup that was committed between the survey and its revocation shows up here, before anything is removed.
  for (const backupId of await manifestIds(context, serverId)) {
    if (!current.backupIds.has(backupId)) throw stale(`backup ${backupId} appeared`);
  }
  await context.step("collect:before-remove");
  let freedBytes = 0n;
  let removedPacks = 0;
  for (const { packId, sizeBytes } of plan.remove) {
    if (signal?.aborted === true) throw new AppError("cancelled", { message: "the collection was cancelled" });
    await context.store.delete(packKey(serverId, packId));
    freedBytes += BigInt(sizeBytes);
    removedPacks++;
  }
  await context.step("collect:after-remove");
  await context.step("collect:before-tidy");
  for (const leaseId of current.idleLeaseIds) await context.store.delete(leaseKey(serverId, leaseId));
  for (const key of current.orphanedMarks) await context.store.delete(key);
  await removePassesBefore(context, serverId, passKey);
  return { marked: plan.mark.length, removedPacks, freedBytes };
}

interface Survey {
  readonly plan: CollectionPlan;
  readonly deadSince: ReadonlyMap<string, Date>;
  readonly backupIds: ReadonlySet<string>;
  /** Leases of dead runs, of backups that are committed, and of readers past their time. */
  readonly idleLeaseIds: readonly string[];
  /** Keys of marks whose backup is gone: its deletion died between the manifest and them. */
  readonly orphanedMarks: readonly string[];
}

async function survey(context: RepositoryContext, serverId: string, options: CollectionOptions): Promise<Survey> {
  // Packs are listed before manifests: a pack that appears later is not considered, a manifest that appears later is.
  // Marks too: a backup is marked after its manifest was put, so one that has no manifest later was deleted.
  const packs = await listPacks(context, serverId);
  const marks = await listBackupMarks(context, serverId);
  const leases = await listLeases(context, serverId);
  const { livePackIds, backupIds } = await readManifests(context, serverId);
  const { now, graceMs } = options;
  const old = (date: Date): boolean => now.getTime() - date.getTime() > graceMs;
  const running = new Set(options.runningBackupIds);
  // A writer without a row in the database (another control plane) is believed to be alive for the grace period.
  const busy = leases.filter((lease) =>
    lease.kind === "reader"
      ? lease.expiresAt === null || lease.expiresAt > now
      : running.has(lease.leaseId) || (!backupIds.has(lease.leaseId) && !old(lease.madeAt)),
  );
  for (const lease of busy) running.add(lease.leaseId);
  const dead = await findDead(context, serverId, { packs, livePackIds, running, old });
  const before = await latestPass(context, serverId);
  const deadSince = new Map(dead.map(({ packId }) => [packId, before?.deadSince.get(packId) ?? now]));
  const isRemovable = ({ packId }: DeadPack): boolean => {
    const since = deadSince.get(packId);
    return busy.length === 0 && options.runningBackupIds.length === 0 && since !== undefined && old(since);
  };
  const remove = dead.filter(isRemovable);
  // A writer's lease goes when it has committed or has cleaned up: one that is left without a backup is a dead run's.
  const idle = leases.filter((lease) => !busy.includes(lease));
  const revoke = idle.flatMap(({ kind, leaseId }) => (kind === "backup" && !backupIds.has(leaseId) ? leaseId : []));
  const plan: CollectionPlan = {
    plannedAt: now,
    options,
    mark: dead.filter(({ packId }) => before?.deadSince.has(packId) !== true).map(({ packId }) => packId),
    remove: remove.map(({ packId, sizeBytes }) => ({ packId, sizeBytes })),
    revoke: revoke.sort(),
    keptPacks: packs.length - remove.length,
  };
  const orphanedMarks = marks.filter(({ backupId }) => !backupIds.has(backupId)).map(({ key }) => key);
  return { plan, deadSince, backupIds, idleLeaseIds: idle.map(({ leaseId }) => leaseId), orphanedMarks };
}

interface DeadPack {
  readonly packId: string;
  readonly sizeBytes: number;
}

interface Evidence {
  readonly packs: readonly ObjectFacts[];
  readonly livePackIds: ReadonlySet<string>;
  readonly running: ReadonlySet<string>;
  readonly old: (date: Date) => boolean;
}

/** Not pointed to, past the grace period since it was written, and not of a backup that is being written. */
async function findDead(context: RepositoryContext, serverId: string, evidence: Evidence): Promise<DeadPack[]> {
  const dead: DeadPack[] = [];
  for (const { key, sizeBytes, modifiedAt } of evidence.packs) {
    const packId = nameOf(key);
    if (evidence.livePackIds.has(packId) || !evidence.old(modifiedAt)) continue;
    const writerId = await readPackWriter(context, packKey(serverId, packId));
    if (writerId === null || !evidence.running.has(writerId)) dead.push({ packId, sizeBytes });
  }
  return dead;
}

async function listPacks(context: RepositoryContext, serverId: string): Promise<ObjectFacts[]> {
  const packs: ObjectFacts[] = [];
  for await (const facts of context.store.list(packsPrefix(serverId))) packs.push(facts);
  return packs;
}

async function listBackupMarks(
  context: RepositoryContext,
  serverId: string,
): Promise<readonly { readonly key: string; readonly backupId: string }[]> {
  const prefix = allMarksPrefix(serverId);
  const marks: { key: string; backupId: string }[] = [];
  for await (const { key } of context.store.list(prefix)) {
    const backupId = key.slice(prefix.length).split("/")[0] ?? "";
    if (backupId !== aboutCollection) marks.push({ key, backupId });
  }
  return marks;
}

async function readManifests(
  context: RepositoryContext,
  serverId: string,
): Promise<{ readonly livePackIds: ReadonlySet<string>; readonly backupIds: ReadonlySet<string> }> {
  const livePackIds = new Set<string>();
  const backupIds = new Set(await manifestIds(context, serverId));
  for (const backupId of backupIds) {
    const manifest = await ManifestObject.open(context, `${backupsPrefix(serverId)}${backupId}`);
    for (const packId of manifest.packIds) livePackIds.add(packId);
  }
  return { livePackIds, backupIds };
}

/** Ids of backups that exist; revoked keys are none. */
async function manifestIds(context: RepositoryContext, serverId: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const { key } of context.store.list(backupsPrefix(serverId))) {
    if ((await readManifestBeginning(context, key)).kind === "manifest") ids.push(nameOf(key));
  }
  return ids;
}

function assertSame(planned: CollectionPlan, current: CollectionPlan): void {
  const names = (plan: CollectionPlan): string =>
    JSON.stringify([plan.mark, plan.remove.map(({ packId }) => packId), plan.revoke]);
  if (names(planned) !== names(current)) throw stale("the repository changed since");
}

function stale(why: string): AppError {
  return new AppError("plan-stale", {
    message: `the collection plan does not hold any more: ${why}`,
    hint: "nothing that is needed was removed; make a new plan",
  });
}
