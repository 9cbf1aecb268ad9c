import { AppError } from "@tidemark/kit";
import { revokeManifest } from "../backup/revocation.ts";
import { leaseKey, packKey } from "../paths.ts";
import type { RepositoryContext } from "../repository-context.ts";
import type { CollectionOptions, CollectionPlan, CollectionReport } from "../types.ts";
import { type AreaUsage, measureUsage } from "./area-usage.ts";
import { chooseEvacuation } from "./choose-evacuation.ts";
import { putPass, readPasses } from "./collection-pass.ts";
import { AreaUse } from "./frame-use.ts";
import { inParallel, storeRequests } from "./in-parallel.ts";
import { findDeadPacks, newBackups, type Survey, surveyArea, whoIsBusy } from "./survey.ts";

/**
 * Garbage: packs that no manifest points into. A pack goes only when it was seen dead in an earlier pass and in every
 * pass since, for longer than the grace period, and when no backup or reader is at work that might need it.
 *
 * Memory: for 30,000 packs about 80 MB for a plan and 70 MB more for a pass, for 100 backups as for 300; a bit for each
 * frame is in it.
 * Requests: five for each manifest and two for each pack that is dead while somebody writes, eight at a time; a pass asks
 * each pack for its number of frames once in its life. Of 300 backups and 30,000 packs: 1,505 requests for a plan, 33,759
 * for the first pass (scripts/measure-collection.ts, 2026-11).
 *
 * Throws `manifest-damaged` when a manifest cannot be read: what it needs cannot be known, so nothing may go.
 */
export async function planCollection(
  context: RepositoryContext,
  serverId: string,
  options: CollectionOptions,
): Promise<CollectionPlan> {
  return (await judgeArea(context, serverId, options, false)).plan;
}

export async function executeCollection(
  context: RepositoryContext,
  serverId: string,
  plan: CollectionPlan,
  signal: AbortSignal | undefined,
): Promise<CollectionReport> {
  const current = await judgeArea(context, serverId, plan.options, true);
  assertSame(plan, current.plan);
  await context.step("collect:before-mark");
  const passKey = await makePass(context, serverId, current, plan.options);
  await context.step("collect:before-revoke");
  for (const backupId of plan.revoke) {
    if ((await revokeManifest(context, serverId, backupId, "collection")) === "committed")
      throw stale(`backup ${backupId} was committed`);
  }
  // A backup that was committed between the survey and its revocation shows up here, before anything is removed.
  const [appeared] = await newBackups(context, serverId, current.seen);
  if (appeared !== undefined) throw stale(`backup ${appeared} appeared`);
  await context.step("collect:before-remove");
  await inParallel(plan.remove, storeRequests, async ({ packId }) => {
    if (signal?.aborted === true) throw new AppError("cancelled", { message: "the collection was cancelled" });
    await context.step("collect:before-pack");
    await context.store.delete(packKey(serverId, packId));
  });
  await context.step("collect:after-remove");
  await context.step("collect:before-tidy");
  await tidy(context, serverId, current, passKey);
  const freedBytes = plan.remove.reduce((sum, { sizeBytes }) => sum + BigInt(sizeBytes), 0n);
  return { marked: plan.mark.length, removedPacks: plan.remove.length, freedBytes };
}

/** Where there are more that are partly dead, the mean is right enough. */
const packsWeighed = 1000;

/** See `ServerArea.usage`. */
export async function usageOf(context: RepositoryContext, serverId: string): Promise<AreaUsage> {
  const { packs, use, passes } = await surveyArea(context, serverId, context.clock.now(), { withUse: true });
  const shapes = passes.latest?.shapes ?? new Map();
  return (
    await measureUsage(
      context,
      serverId,
      { packs, use: use ?? new AreaUse() },
      { shapes, exactPacks: Number.POSITIVE_INFINITY },
    )
  ).usage;
}

interface Judgement {
  readonly seen: Survey;
  readonly plan: CollectionPlan;
  readonly deadSince: ReadonlyMap<string, Date>;
  readonly idleLeaseIds: readonly string[];
}

async function judgeArea(
  context: RepositoryContext,
  serverId: string,
  options: CollectionOptions,
  withUse: boolean,
): Promise<Judgement> {
  const { now, graceMs } = options;
  const seen = await surveyArea(context, serverId, now, { withUse });
  const old = (date: Date): boolean => now.getTime() - date.getTime() > graceMs;
  const busy = whoIsBusy(seen, options, old);
  const dead = await findDeadPacks(context, serverId, seen, { writing: busy.writing, old });
  const before = seen.passes.latest?.deadSince;
  const deadSince = new Map(dead.map(({ packId }) => [packId, before?.get(packId) ?? now]));
  const remove = dead.filter(({ packId }) => !busy.anybody && old(deadSince.get(packId) ?? now));
  const plan: CollectionPlan = {
    plannedAt: now,
    options,
    mark: dead.filter(({ packId }) => before?.has(packId) !== true).map(({ packId }) => packId),
    remove: remove.map(({ packId, sizeBytes }) => ({ packId, sizeBytes })),
    revoke: busy.dead,
    keptPacks: seen.packs.length - remove.length,
  };
  return { seen, plan, deadSince, idleLeaseIds: busy.idleLeaseIds };
}

/**
 * Puts what was seen. Another collection that made a pass meanwhile has seen something else, and perhaps a pack alive that
 * this one calls dead since long ago: then this one gives up, and so does the other when each sees the other's pass.
 */
async function makePass(
  context: RepositoryContext,
  serverId: string,
  { seen, deadSince }: Judgement,
  { now, graceMs }: CollectionOptions,
): Promise<string> {
  if (seen.use === null) throw new AppError("internal", { message: "a pass was made without counting frames" });
  const known = seen.passes.latest?.shapes ?? new Map();
  const { usage, shapes } = await measureUsage(
    context,
    serverId,
    { packs: seen.packs, use: seen.use },
    { shapes: known, exactPacks: packsWeighed },
  );
  const evacuate = chooseEvacuation(usage).packIds;
  const pass = { at: now, graceMs, deadSince, evacuate, shapes };
  const key = await putPass(context, serverId, pass).catch(async (error: unknown) => {
    if (!(error instanceof AppError && error.code === "storage-full")) throw error;
    // Where not a byte is left nothing would ever be collected. This pass says what those before it said; dying in between
    // costs a grace period.
    for (const earlier of seen.passes.keys) await context.store.delete(earlier);
    return await putPass(context, serverId, pass);
  });
  const { keys } = await readPasses(context, serverId);
  if (keys.some((other) => other !== key && !seen.passes.keys.includes(other))) {
    throw stale("another collection is at work");
  }
  return key;
}

/** Earlier passes say nothing the newest does not. Only those that were seen: one that came since is somebody else's. */
async function tidy(context: RepositoryContext, serverId: string, current: Judgement, passKey: string): Promise<void> {
  const { seen, idleLeaseIds } = current;
  const orphanedMarks = seen.marks.filter(({ backupId }) => !seen.backupIds.has(backupId)).map(({ key }) => key);
  const keys = [
    ...idleLeaseIds.map((leaseId) => leaseKey(serverId, leaseId)),
    ...orphanedMarks,
    ...seen.passes.keys.filter((key) => key !== passKey),
  ];
  await inParallel(keys, storeRequests, async (key) => {
    await context.step("collect:before-fact");
    await context.store.delete(key);
  });
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
