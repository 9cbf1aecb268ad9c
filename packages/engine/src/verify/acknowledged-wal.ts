import { setTimeout as delay } from "node:timers/promises";
import { AppError } from "@tidemark/kit";
import { formatLsn, type Lsn, walSegmentName } from "@tidemark/postgres";
import type { WalArchive, WalSegmentPlace } from "@tidemark/repository";

/** Up to where a server was told that its WAL is durable. */
export interface AcknowledgedWal {
  readonly systemIdentifier: bigint;
  readonly timeline: number;
  readonly lsn: bigint;
}

/** Of the segment that the position lies in, as the archive calls it while it is in the making. */
interface AcknowledgedSegment {
  readonly name: string;
  /** What is wrong; null: all that was acknowledged is there. */
  readonly sentence: string | null;
}

interface Look {
  readonly archive: WalArchive;
  /** Where the archive's timelines begin. */
  readonly begins: ReadonlyMap<number, bigint>;
  readonly sizeBytes: number;
  readonly acknowledged: () => Promise<AcknowledgedWal | null>;
  readonly signal: AbortSignal;
}

/**
 * Whether the segment in the making holds what was acknowledged of it. Where an object grows a damaged box looks like the
 * end of what was kept, and pieces that are gone like pieces that never were, so that nothing but the position tells.
 * Null: nobody can say, or it cannot be read, which is told where it is read.
 */
export async function acknowledgedButMissing(look: Look): Promise<AcknowledgedSegment | null> {
  for (let count = 1; ; count++) {
    const found = await compare(look);
    if (found?.sentence == null || count === looks) return found;
    await delay(pauseMs, undefined, { signal: look.signal });
  }
}

/** The position is asked for first: what is read afterwards has to reach it. */
async function compare({ archive, begins, sizeBytes, acknowledged }: Look): Promise<AcknowledgedSegment | null> {
  const told = await acknowledged();
  if (told === null || told.systemIdentifier !== archive.systemIdentifier) return null;
  const { timeline, lsn } = told;
  const startLsn = lsn - (lsn % BigInt(sizeBytes));
  // On a boundary no segment is in the making; up to where a timeline begins its parent's holds the bytes.
  const begin = begins.get(timeline);
  if (startLsn === lsn || begin === undefined || lsn <= begin) return null;
  const segment = walSegmentName(timeline, startLsn as Lsn, sizeBytes);
  const name = `${segment}.partial`;
  const endLsn = await endOf(archive, { timeline, startLsn, sizeBytes });
  if (endLsn === null) return null;
  // After the pieces: they go when it is whole.
  if (endLsn >= lsn || (await archive.has(segment))) return { name, sentence: null };
  const sentence = `it ends at ${formatLsn(endLsn as Lsn)}, and ${formatLsn(lsn as Lsn)} was acknowledged to the server`;
  return { name, sentence };
}

async function endOf(archive: WalArchive, place: WalSegmentPlace): Promise<bigint | null> {
  try {
    return (await archive.partialOf(place))?.endLsn ?? place.startLsn;
  } catch (error) {
    if (error instanceof AppError && unreadableCodes.has(error.code)) return null;
    throw error;
  }
}

const unreadableCodes: ReadonlySet<string> = new Set(["wal-damaged", "wal-conflict", "wal-missing"]);
/** A store's listing may be behind its objects for a moment (OpenStack Swift), and a row behind its receiver. */
const looks = 4;
const pauseMs = 500;
