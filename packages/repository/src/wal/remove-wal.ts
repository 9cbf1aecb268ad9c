import { AppError } from "@tidemark/kit";
import type { RepositoryContext } from "../repository-context.ts";
import type { RemoveWal, WalRemoval, WalSegmentPlace } from "./wal-archive.ts";
import { segmentName, type WalPaths } from "./wal-names.ts";

/**
 * Oldest first, a few at a time: a removal that dies leaves no hole but among the last ones it was at, all of which were to
 * go. Of each segment first itself, then what there is of it in pieces: those would otherwise stand for it again.
 */
export async function removeSegments(
  context: RepositoryContext,
  paths: WalPaths,
  places: readonly WalSegmentPlace[],
  options: RemoveWal,
): Promise<WalRemoval> {
  const ordered = [...places].sort(
    (a, b) => a.timeline - b.timeline || (a.startLsn < b.startLsn ? -1 : a.startLsn > b.startLsn ? 1 : 0),
  );
  let removedSegments = 0;
  let removedBytes = 0;
  for (let at = 0; at < ordered.length; at += segmentsTogether) {
    throwIfCancelled(options.signal);
    const some = ordered.slice(at, at + segmentsTogether);
    // All of them end before an error is thrown: nothing goes on behind the caller's back.
    const outcomes = await Promise.allSettled(some.map((place) => removeOne(context, paths, place, options)));
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") throw outcome.reason;
      removedBytes += outcome.value;
      if (outcome.value > 0) removedSegments++;
    }
  }
  return { removedSegments, removedBytes };
}

/** Each takes four requests and more. */
const segmentsTogether = 8;

async function removeOne(
  context: RepositoryContext,
  paths: WalPaths,
  place: WalSegmentPlace,
  options: RemoveWal,
): Promise<number> {
  const name = segmentName(place);
  const pieces = paths.pieces(place.timeline, name);
  return options.piecesOnly === true
    ? await removeBelow(context, pieces)
    : await removeNamed(context, paths.object(name), pieces);
}

/** Stored bytes that were there. */
async function removeNamed(context: RepositoryContext, key: string, pieces: string): Promise<number> {
  let bytes = 0;
  const whole = await context.store.stat(key);
  if (whole !== null) {
    await context.step("wal:before-remove");
    await context.store.delete(key);
    bytes += whole.sizeBytes;
  }
  for (const folder of [`${key}/`, pieces]) bytes += await removeBelow(context, folder);
  return bytes;
}

async function removeBelow(context: RepositoryContext, folder: string): Promise<number> {
  let bytes = 0;
  const found: string[] = [];
  for await (const { key, sizeBytes } of context.store.list(folder)) {
    found.push(key);
    bytes += sizeBytes;
  }
  for (const key of found) {
    await context.step("wal:before-remove");
    await context.store.delete(key);
  }
  return bytes;
}

/** Everything of a timeline; what says where it came from goes last, so that what is left can still be understood. */
export async function removeTimeline(
  context: RepositoryContext,
  paths: WalPaths,
  timeline: number,
  options: RemoveWal,
): Promise<WalRemoval> {
  const folder = paths.timeline(timeline);
  let removedSegments = 0;
  let removedBytes = 0;
  const found: { readonly key: string; readonly sizeBytes: number }[] = [];
  for await (const { key, sizeBytes } of context.store.list(folder)) found.push({ key, sizeBytes });
  const isHistory = (key: string): boolean => key.slice(folder.length).includes(".history");
  const ordered = [...found.filter(({ key }) => !isHistory(key)), ...found.filter(({ key }) => isHistory(key))];
  for (const { key, sizeBytes } of ordered) {
    throwIfCancelled(options.signal);
    await context.step("wal:before-remove");
    await context.store.delete(key);
    removedBytes += sizeBytes;
    if (/^[0-9A-F]{24}$/.test(key.slice(folder.length))) removedSegments++;
  }
  return { removedSegments, removedBytes };
}

function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new AppError("cancelled", { message: "the removal of WAL was cancelled" });
}
