import { type Lsn, walSegmentName } from "@tidemark/postgres";
import type { WalArchive } from "@tidemark/repository";
import { type ServerHistory, type TimelineReach, timelineChain } from "./start-point.ts";

/**
 * How far the archive reaches on the timelines of a server's history, newest first up to the first of which there is
 * anything: older ones do not matter then. What it gives lasts, although whoever stored it may have died right then: the
 * server is told so at once. `known` remembers whole segments between calls, so that a receiver that
 * reconnects does not list all of them again.
 */
export async function readReach(
  archive: WalArchive,
  history: ServerHistory,
  segmentSizeBytes: number,
  known: Map<number, bigint>,
): Promise<TimelineReach[]> {
  for (const { timeline } of [...timelineChain(history)].reverse()) {
    const wholeEndLsn = await wholeEnd(archive, timeline, segmentSizeBytes, known);
    const partial = await archive.partial(timeline);
    if (wholeEndLsn === null && partial === null) continue;
    const nameAt = (lsn: bigint): string => walSegmentName(timeline, lsn as Lsn, segmentSizeBytes);
    // Its bytes were read before: what was appended meanwhile is not counted.
    if (partial !== null) await archive.settle(`${nameAt(partial.place.startLsn)}.partial`);
    if (wholeEndLsn !== null) await archive.settle(nameAt(wholeEndLsn - BigInt(segmentSizeBytes)));
    const part = partial === null ? null : { startLsn: partial.place.startLsn, endLsn: partial.endLsn };
    return [{ timeline, wholeEndLsn, partial: part }];
  }
  return [];
}

async function wholeEnd(
  archive: WalArchive,
  timeline: number,
  segmentSizeBytes: number,
  known: Map<number, bigint>,
): Promise<bigint | null> {
  let end = known.get(timeline) ?? null;
  const from = end === null ? {} : { from: end };
  for await (const entry of archive.list({ timeline, segmentSizeBytes, ...from })) {
    if (entry.kind !== "segment" || entry.startLsn === null) continue;
    const its = entry.startLsn + BigInt(segmentSizeBytes);
    if (end === null || its > end) end = its;
  }
  if (end !== null) known.set(timeline, end);
  return end;
}
