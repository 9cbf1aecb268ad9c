import type { RecoveryTarget } from "@tidemark/policy";
import { decodeTransactionEnd, type Lsn, WalReader, walSegmentName, walSegmentStart } from "@tidemark/postgres";
import { throwIfCancelled } from "../act.ts";
import type { ArchivedCluster } from "./archived-cluster.ts";

export interface TargetSearch {
  readonly timeline: number;
  readonly fromLsn: bigint;
  readonly toLsn: bigint;
}

export interface LocatedTarget {
  readonly timeline: number;
  /** The end of the record. */
  readonly lsn: bigint;
  readonly at: Date | null;
}

/** Reads the WAL itself for the end of a transaction, where the archive's facts do not tell. Null: it is not there. */
export async function locateTarget(
  cluster: ArchivedCluster,
  major: number,
  target: RecoveryTarget & { readonly kind: "xid" },
  searches: readonly TargetSearch[],
  signal: AbortSignal,
): Promise<LocatedTarget | null> {
  const xid = Number(BigInt(target.xid) & 0xffff_ffffn);
  for (const search of searches) {
    const found = await searchTimeline(cluster, major, search, xid, signal);
    if (found !== null) return found;
  }
  return null;
}

async function searchTimeline(
  cluster: ArchivedCluster,
  major: number,
  { timeline, fromLsn, toLsn }: TargetSearch,
  xid: number,
  signal: AbortSignal,
): Promise<LocatedTarget | null> {
  const { segmentSizeBytes } = cluster;
  const startLsn = walSegmentStart(fromLsn as Lsn, segmentSizeBytes);
  const reader = new WalReader({ major, segmentSizeBytes, startLsn, checkCrc: false });
  for (let lsn: bigint = startLsn; lsn < toLsn && reader.end === null; lsn += BigInt(segmentSizeBytes)) {
    for await (const chunk of segmentBytes(cluster, timeline, lsn, signal)) {
      for (const record of reader.push(chunk)) {
        const end = decodeTransactionEnd(record, major);
        if (end !== null && end.xid === xid && record.endLsn <= toLsn)
          return { timeline, lsn: record.endLsn, at: end.at };
      }
      throwIfCancelled(signal);
    }
  }
  return null;
}

/** Whole, or as far as it is there. */
async function* segmentBytes(cluster: ArchivedCluster, timeline: number, startLsn: bigint, signal: AbortSignal) {
  const isHere = (one: { readonly timeline: number; readonly startLsn: bigint }) =>
    one.timeline === timeline && one.startLsn === startLsn;
  const isWhole = cluster.lines.get(timeline)?.some(isHere) === true;
  const partial = isWhole ? undefined : cluster.partials.find(isHere);
  if (partial !== undefined) yield* partial.source.read();
  else yield* cluster.archive.read(walSegmentName(timeline, startLsn as Lsn, cluster.segmentSizeBytes), { signal });
}
