import { higherLimits, type ServerLimits } from "@tidemark/postgres";
import type { WalArchive } from "@tidemark/repository";
import { throwIfCancelled } from "../act.ts";
import { LimitsInWal } from "./limits-in-wal.ts";
import type { NeededSegment } from "./recovery-request.ts";

/** WAL whose limits are asked for. */
export interface LimitedWal {
  readonly archive: WalArchive;
  /** In the order in which they are replayed. */
  readonly segments: readonly NeededSegment[];
  readonly major: number;
  readonly signal: AbortSignal;
  /** Before WAL itself is read: how many segments, because nothing else tells of them. */
  readonly onRead?: (count: number) => void;
}

/**
 * The highest of each limit that the source was started with in some WAL; null: with no other than before. Segments say so
 * themselves, in their last bytes. Of those that do not (stored by an older version, or one still in the making) the WAL
 * is read, as it would be to copy it.
 */
export async function raisedLimits(wal: LimitedWal): Promise<ServerLimits | null> {
  const told = await askSegments(wal);
  const silent = wal.segments.filter((_, index) => told[index] === undefined);
  const read = silent.length === 0 ? null : await readSegments(wal, silent);
  return told.reduce<ServerLimits | null>((most, one) => (one == null ? most : higherLimits(one, most)), read);
}

type Told = ServerLimits | null | undefined;

/** What each says; undefined: nothing. */
async function askSegments({ archive, segments, signal }: LimitedWal): Promise<readonly Told[]> {
  const told: Told[] = segments.map(() => undefined);
  const waiting = segments.entries();
  const work = async (): Promise<void> => {
    for (const [index, { name, isPartial }] of waiting) {
      throwIfCancelled(signal);
      if (!isPartial) told[index] = (await archive.describe(name))?.facts?.limits;
    }
  };
  await Promise.all(Array.from({ length: requestsAtOnce }, work));
  return told;
}

async function readSegments(
  { archive, major, signal, onRead }: LimitedWal,
  segments: readonly NeededSegment[],
): Promise<ServerLimits | null> {
  onRead?.(segments.length);
  const limits = new LimitsInWal(major);
  for (const segment of segments) {
    limits.begin(segment);
    for await (const chunk of await bytesOf(archive, segment, signal)) {
      throwIfCancelled(signal);
      limits.push(chunk);
    }
  }
  return limits.highest;
}

/** One that was in the making when it was planned may be whole by now. */
async function bytesOf(
  archive: WalArchive,
  { name, timeline, startLsn, sizeBytes, isPartial }: NeededSegment,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const partial = isPartial ? await archive.partialOf({ timeline, startLsn, sizeBytes }) : null;
  return partial === null ? archive.read(name, { signal }) : partial.read();
}

const requestsAtOnce = 16;
