import { AppError, idPrefixes } from "@tidemark/kit";
import type { ObjectFacts } from "@tidemark/storage";
import { ManifestObject, readManifestBeginning } from "../manifests/manifest-object.ts";
import { OpenedManifest } from "../manifests/manifest-reader.ts";
import { readPackWriter } from "../packs/pack-directory.ts";
import { allMarksPrefix, backupsPrefix, manifestKey, nameOf, packKey, packsPrefix } from "../paths.ts";
import type { RepositoryContext } from "../repository-context.ts";
import type { CollectionOptions } from "../types.ts";
import { type KnownPasses, readPasses } from "./collection-pass.ts";
import { AreaUse } from "./frame-use.ts";
import { inParallel, storeRequests } from "./in-parallel.ts";
import { type FoundLease, type LeaseCensus, listLeases, takeCensus } from "./lease.ts";
import { isHeld, readMarks } from "./mark.ts";

/** What an area holds, as far as a collection asks. */
export interface Survey {
  readonly packs: readonly ObjectFacts[];
  readonly leases: readonly FoundLease[];
  readonly census: LeaseCensus;
  readonly backupIds: ReadonlySet<string>;
  /** Ids whose manifest keys were claimed: there is no such backup and will be none. */
  readonly revokedIds: ReadonlySet<string>;
  readonly livePackIds: ReadonlySet<string>;
  readonly marks: readonly BackupMark[];
  readonly passes: KnownPasses;
  /** Which frames are needed; null unless it was asked for. */
  readonly use: AreaUse | null;
}

export interface BackupMark {
  readonly key: string;
  readonly backupId: string;
}

/**
 * Packs are listed before manifests: a pack that appears later is not considered, a manifest that appears later is. Leases
 * too: a writer removes its lease after its manifest was put, so one whose lease is not seen has its manifest read. Marks
 * too: a backup is marked after its manifest was put, so one that has no manifest later was deleted.
 *
 * Throws `manifest-damaged` when a manifest cannot be read: what it needs cannot be known, so nothing may go.
 */
export async function surveyArea(
  context: RepositoryContext,
  serverId: string,
  now: Date,
  how: { readonly withUse: boolean },
): Promise<Survey> {
  const packs = await listPacks(context, serverId);
  const marks = await listBackupMarks(context, serverId);
  const leases = await listLeases(context, serverId);
  const passes = await readPasses(context, serverId);
  const markedIds = new Set(marks.map(({ backupId }) => backupId));
  const manifests = await readManifests(context, serverId, how.withUse ? { markedIds } : null);
  return { packs, marks, leases, passes, census: takeCensus(leases, now), ...manifests };
}

async function listPacks(context: RepositoryContext, serverId: string): Promise<ObjectFacts[]> {
  const packs: ObjectFacts[] = [];
  for await (const facts of context.store.list(packsPrefix(serverId))) packs.push(facts);
  return packs;
}

async function listBackupMarks(context: RepositoryContext, serverId: string): Promise<readonly BackupMark[]> {
  const prefix = allMarksPrefix(serverId);
  const marks: BackupMark[] = [];
  for await (const { key } of context.store.list(prefix)) {
    const backupId = key.slice(prefix.length).split("/")[0] ?? "";
    // What else is kept below `marks/`, now or later, is no backup's.
    if (backupId.startsWith(`${idPrefixes.backup}_`)) marks.push({ key, backupId });
  }
  return marks;
}

async function readManifests(
  context: RepositoryContext,
  serverId: string,
  counting: { readonly markedIds: ReadonlySet<string> } | null,
): Promise<Pick<Survey, "backupIds" | "revokedIds" | "livePackIds" | "use">> {
  const backupIds = new Set<string>();
  const revokedIds = new Set<string>();
  const livePackIds = new Set<string>();
  const use = counting === null ? null : new AreaUse();
  const ids: string[] = [];
  for await (const { key } of context.store.list(backupsPrefix(serverId))) ids.push(nameOf(key));
  await inParallel(ids, storeRequests, async (backupId) => {
    const manifest = await openListed(context, manifestKey(serverId, backupId));
    if (manifest === "revoked") revokedIds.add(backupId);
    if (manifest === "revoked" || manifest === "gone") return;
    backupIds.add(backupId);
    for (const packId of manifest.packIds) livePackIds.add(packId);
    if (counting === null || use === null) return;
    const held = counting.markedIds.has(backupId) && isHeld(await readMarks(context, serverId, backupId));
    const { startedAt } = manifest.header.facts;
    use.add({ backupId, startedAt, isHeld: held, frames: await new OpenedManifest(manifest).frameUse() });
  });
  return { backupIds, revokedIds, livePackIds, use };
}

async function openListed(context: RepositoryContext, key: string): Promise<ManifestObject | "revoked" | "gone"> {
  try {
    return await ManifestObject.open(context, key);
  } catch (error) {
    if (!(error instanceof AppError && error.code === "manifest-missing")) throw error;
    return whyMissing(context, key);
  }
}

async function whyMissing(context: RepositoryContext, key: string): Promise<ManifestObject | "revoked" | "gone"> {
  try {
    if ((await readManifestBeginning(context, key)).kind === "revoked") return "revoked";
    return await ManifestObject.open(context, key);
  } catch (error) {
    if (error instanceof AppError && error.code === "manifest-missing") return "gone";
    throw error;
  }
}

/** Ids of backups that appeared since, or whose claimed key turns out to hold a manifest. */
export async function newBackups(
  context: RepositoryContext,
  serverId: string,
  known: { readonly backupIds: ReadonlySet<string>; readonly revokedIds: ReadonlySet<string> },
): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const { key } of context.store.list(backupsPrefix(serverId))) {
    const backupId = nameOf(key);
    if (known.backupIds.has(backupId) || known.revokedIds.has(backupId)) continue;
    const found = await openListed(context, key);
    if (found !== "revoked" && found !== "gone") ids.push(backupId);
  }
  return ids;
}

/** Who is at work: what they wrote, and what they may read, stays. */
export interface Busy {
  /** Backups being written. */
  readonly writing: ReadonlySet<string>;
  /** Nothing at all is removed while somebody is. */
  readonly anybody: boolean;
  /** Writers that died: their manifest keys are claimed. */
  readonly dead: readonly string[];
  /** Keys of leases nobody needs: of dead, committed and revoked writers, and of readers past their time. */
  readonly idleLeaseIds: readonly string[];
}

/** A writer that no database knows (another control plane's) is believed to be alive for the grace period after its last sign. */
export function whoIsBusy(seen: Survey, options: CollectionOptions, old: (date: Date) => boolean): Busy {
  const running = new Set(options.runningBackupIds);
  const writing = new Set(running);
  const dead: string[] = [];
  for (const { backupId, lastSignAt } of seen.census.writers) {
    if (running.has(backupId) || seen.backupIds.has(backupId) || seen.revokedIds.has(backupId)) continue;
    if (old(lastSignAt)) dead.push(backupId);
    else writing.add(backupId);
  }
  const expired = new Set(seen.census.expired.map(({ leaseId }) => leaseId));
  const isIdle = (lease: FoundLease): boolean => {
    if (lease.kind === "backup") return !writing.has(lease.leaseId);
    if (lease.kind === "renewal") return lease.backupId === null || !writing.has(lease.backupId);
    return expired.has(lease.leaseId);
  };
  const idleLeaseIds = seen.leases.filter(isIdle).map(({ leaseId }) => leaseId);
  return { writing, anybody: writing.size > 0 || seen.census.inForce.length > 0, dead: dead.sort(), idleLeaseIds };
}

export interface DeadPack {
  readonly packId: string;
  readonly sizeBytes: number;
}

/** Not pointed to, past the grace period since it was written, and not of a backup that is being written. */
export async function findDeadPacks(
  context: RepositoryContext,
  serverId: string,
  seen: Survey,
  judge: { readonly writing: ReadonlySet<string>; readonly old: (date: Date) => boolean },
): Promise<readonly DeadPack[]> {
  const candidates = seen.packs.filter(
    ({ key, modifiedAt }) => !seen.livePackIds.has(nameOf(key)) && judge.old(modifiedAt),
  );
  const writers = await inParallel(candidates, storeRequests, ({ key }) =>
    judge.writing.size === 0 ? Promise.resolve(null) : readPackWriter(context, packKey(serverId, nameOf(key))),
  );
  return candidates.flatMap(({ key, sizeBytes }, index) => {
    const writer = writers[index] ?? null;
    return writer !== null && judge.writing.has(writer) ? [] : { packId: nameOf(key), sizeBytes };
  });
}
