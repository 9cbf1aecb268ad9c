import { idTime } from "@tidemark/kit";
import { readManifestBeginning } from "../manifests/manifest-object.ts";
import { readPackWriter } from "../packs/pack-directory.ts";
import { backupsPrefix, manifestKey, nameOf, packKey, packsPrefix } from "../paths.ts";
import type { RepositoryContext } from "../repository-context.ts";
import { doomedPacks } from "./collection-pass.ts";
import { inParallel, storeRequests } from "./in-parallel.ts";
import { listLeases, takeCensus } from "./lease.ts";
import { renewalsPerTerm } from "./lease-keeper.ts";

/** A backup that never came to its manifest, of which packs are still there. */
export interface InterruptedBackup {
  readonly backupId: string;
  readonly packs: number;
  readonly storedBytes: bigint;
}

export interface InterruptedQuestion {
  /** Ids of runs the caller knows to be over, whatever their leases say. */
  readonly endedBackupIds: readonly string[];
}

/**
 * Backups that are not being written any more (the caller knows it, or their lease was not renewed for a whole term), were
 * begun after the newest backup that exists (that one has taken up what was worth it), and left packs which may be used
 * still. Newest first. A run that a database elsewhere knows to be at work renews its lease, and so is not among them.
 */
export async function findInterrupted(
  context: RepositoryContext,
  serverId: string,
  question: InterruptedQuestion,
): Promise<readonly InterruptedBackup[]> {
  const silentMs = context.leaseRenewalMs * renewalsPerTerm;
  const nowMs = context.clock.now().getTime();
  const { writers } = takeCensus(await listLeases(context, serverId), context.clock.now());
  const silent = writers.filter(({ lastSignAt }) => nowMs - lastSignAt.getTime() > silentMs);
  const deadIds = new Set([...question.endedBackupIds, ...silent.map(({ backupId }) => backupId)]);
  if (deadIds.size === 0) return [];
  const newest = await newestBackupId(context, serverId);
  for (const backupId of deadIds) {
    if ((newest !== null && newest > backupId) || (await isCommitted(context, serverId, backupId)))
      deadIds.delete(backupId);
  }
  if (deadIds.size === 0) return [];
  const doomed = await doomedPacks(context, serverId);
  const found = new Map<string, { packs: number; storedBytes: bigint }>();
  for (const { packId, writerId, sizeBytes } of await packsWrittenBy(context, serverId, deadIds)) {
    if (doomed.has(packId)) continue;
    const known = found.get(writerId) ?? { packs: 0, storedBytes: 0n };
    found.set(writerId, { packs: known.packs + 1, storedBytes: known.storedBytes + BigInt(sizeBytes) });
  }
  return [...found]
    .map(([backupId, left]) => ({ backupId, ...left }))
    .sort((a, b) => (a.backupId < b.backupId ? 1 : -1))
    .slice(0, mostRuns);
}

/** Nobody retries more often and still has use for what the first try stored. */
const mostRuns = 8;

export interface WrittenPack {
  readonly packId: string;
  readonly writerId: string;
  readonly sizeBytes: number;
}

/** The packs these backups wrote, in the order in which they were begun. Only packs younger than the eldest are asked. */
export async function packsWrittenBy(
  context: RepositoryContext,
  serverId: string,
  backupIds: ReadonlySet<string>,
): Promise<readonly WrittenPack[]> {
  const since = Math.min(...[...backupIds].map((backupId) => idTime(backupId)?.getTime() ?? 0));
  const packs: { packId: string; sizeBytes: number }[] = [];
  for await (const { key, sizeBytes } of context.store.list(packsPrefix(serverId))) {
    const packId = nameOf(key);
    if ((idTime(packId)?.getTime() ?? since) >= since) packs.push({ packId, sizeBytes });
  }
  const writers = await inParallel(packs, storeRequests, ({ packId }) =>
    readPackWriter(context, packKey(serverId, packId)),
  );
  return packs.flatMap(({ packId, sizeBytes }, index) => {
    const writerId = writers[index] ?? null;
    return writerId !== null && backupIds.has(writerId) ? { packId, writerId, sizeBytes } : [];
  });
}

/** By its id, which begins with the time. */
async function newestBackupId(context: RepositoryContext, serverId: string): Promise<string | null> {
  const ids: string[] = [];
  for await (const { key } of context.store.list(backupsPrefix(serverId))) ids.push(nameOf(key));
  for (const backupId of ids.sort().reverse()) if (await isCommitted(context, serverId, backupId)) return backupId;
  return null;
}

async function isCommitted(context: RepositoryContext, serverId: string, backupId: string): Promise<boolean> {
  const key = manifestKey(serverId, backupId);
  if ((await context.store.stat(key)) === null) return false;
  return (await readManifestBeginning(context, key)).kind === "manifest";
}
