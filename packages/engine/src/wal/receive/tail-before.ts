import { AppError, type Logger } from "@tidemark/kit";
import { beginOfRecordReachingOver, type Lsn, walPageBytes, walSegmentName } from "@tidemark/postgres/segment-reading";
import type { WalArchive, WalSegmentDescription } from "@tidemark/repository";
import { type ServerHistory, type StartPoint, timelineAt } from "./start-point.ts";

/**
 * The end of the stored segment before the one in which receiving begins, for the record that reaches from there into
 * it: its commit or restore point is told with the first segment that is received. Null where nothing reaches over, or where
 * that end cannot be had soon: then such a record is in the WAL but not in what is told of it, and nothing waits for it.
 */
export async function tailBefore(
  archive: WalArchive,
  start: StartPoint,
  server: ServerHistory & { readonly segmentSizeBytes: number },
  options: { readonly signal: AbortSignal; readonly logger: Logger },
): Promise<Uint8Array | null> {
  const from = start.startLsn - BigInt(server.segmentSizeBytes);
  if (from < 0n) return null;
  const name = walSegmentName(timelineAt(server, from), from as Lsn, server.segmentSizeBytes);
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(longestMs)]);
  try {
    return await readTail(archive, name, signal);
  } catch (error) {
    if (options.signal.aborted || (!(error instanceof AppError) && !signal.aborted)) throw error;
    options.logger.debug({ err: error, segment: name }, "the end of the segment before could not be read");
    return null;
  }
}

/** A stored segment from the page on where the record begins that reaches out of it; null: none does, or there is no such segment. */
export async function readTail(archive: WalArchive, name: string, signal: AbortSignal): Promise<Uint8Array | null> {
  const found = await archive.describe(name);
  const wanted = found === null ? 0 : bytesFromLastRecord(found);
  if (wanted === 0) return null;
  const kept: Uint8Array[] = [];
  let keptBytes = 0;
  for await (const bytes of archive.read(name, { signal })) {
    kept.push(bytes.slice());
    keptBytes += bytes.length;
    for (let first = kept[0]; first !== undefined && keptBytes - first.length >= wanted; first = kept[0]) {
      keptBytes -= first.length;
      kept.shift();
    }
    signal.throwIfAborted();
  }
  const tail = Buffer.concat(kept);
  return fromRecord(tail.subarray(Math.max(0, tail.length - wanted)), found?.place.sizeBytes ?? tail.length);
}

/** From the page on where a record begins. None does: all of it, of which nothing can be told. */
function fromRecord(tail: Uint8Array, sizeBytes: number): Uint8Array {
  const missing = sizeBytes - tail.length;
  const begin = beginOfRecordReachingOver(null, sizeBytes, (offset, bytes) =>
    offset < missing ? null : tail.subarray(offset - missing, offset - missing + bytes),
  );
  // A copy: what is before it need not stay in memory.
  return begin === null ? tail : Uint8Array.from(tail.subarray(begin - missing));
}

/** What comes behind the last whole record is the beginning of one that reaches over. */
function bytesFromLastRecord({ place, facts }: WalSegmentDescription): number {
  const end = place.startLsn + BigInt(place.sizeBytes);
  const lastRecordEnd = facts?.lastRecordEnd ?? null;
  // None ends in it, or nobody read it: what is read tells.
  if (lastRecordEnd === null) return Math.min(longestTailBytes, place.sizeBytes);
  const bytes = Number(end - lastRecordEnd);
  if (bytes === 0) return 0;
  const pages = Math.ceil(bytes / walPageBytes) * walPageBytes;
  return Math.min(pages, longestTailBytes);
}

/** Of one record: a commit with four million subtransactions. It is held in memory. */
export const longestTailBytes = 16 * 1024 * 1024;
/** A takeover is to be over within seconds; segments may have 1 GiB. */
const longestMs = 3_000;
