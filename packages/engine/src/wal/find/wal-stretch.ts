import { AppError } from "@tidemark/kit";
import { type Lsn, walSegmentName, walSegmentStart } from "@tidemark/postgres";
import type { WalArchive } from "@tidemark/repository";

/** A segment of the WAL to be searched. */
export interface WalStretchSegment {
  readonly timeline: number;
  readonly startLsn: bigint;
  /** Its bytes from the beginning on; they may end before the segment does. */
  read(): AsyncIterable<Uint8Array>;
}

/**
 * Whole segments of one timeline: from the one that holds `fromLsn` to the one that holds the byte before `toLsn`. The
 * segment in which a timeline branches off holds the older one's part too: the older span ends where that segment starts.
 */
export interface WalSpan {
  readonly timeline: number;
  readonly fromLsn: bigint;
  readonly toLsn: bigint;
}

/**
 * The segments of the spans, in their order, from an archive. Where the last is still in the making, what there is of it.
 * Reading one that is not there throws `wal-missing`.
 */
export async function* archivedSegments(
  archive: WalArchive,
  spans: readonly WalSpan[],
  segmentSizeBytes: number,
  signal?: AbortSignal,
): AsyncGenerator<WalStretchSegment> {
  for (const { timeline, fromLsn, toLsn } of spans) {
    const from = walSegmentStart(fromLsn as Lsn, segmentSizeBytes);
    for (let startLsn: bigint = from; startLsn < toLsn; startLsn += BigInt(segmentSizeBytes)) {
      const place = { timeline, startLsn, sizeBytes: segmentSizeBytes };
      yield { timeline, startLsn, read: () => readWholeOrPart(archive, place, signal) };
    }
  }
}

async function* readWholeOrPart(
  archive: WalArchive,
  place: { readonly timeline: number; readonly startLsn: bigint; readonly sizeBytes: number },
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const name = walSegmentName(place.timeline, place.startLsn as Lsn, place.sizeBytes);
  try {
    yield* archive.read(name, signal === undefined ? {} : { signal });
    return;
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "wal-missing") throw error;
    const partial = await archive.partialOf(place);
    if (partial === null) throw error;
    yield* partial.read();
  }
}
