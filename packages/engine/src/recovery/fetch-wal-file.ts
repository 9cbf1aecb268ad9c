import { AppError } from "@tidemark/kit";
import type { WalSource } from "./recovery-feed.ts";
import { walFileKind } from "./segment-order.ts";

/** One WAL file to put where PostgreSQL looks for it. */
export interface WalFileRequest {
  readonly archive: WalSource;
  readonly name: string;
  readonly segmentSizeBytes: number;
  /** Whether what there is of a segment will do where the whole is missing. */
  readonly partial: boolean;
  /** The end of what may be given; null: no limit. */
  readonly through: { readonly timeline: number; readonly lsn: bigint } | null;
  readonly signal: AbortSignal;
}

/** Hands a file's bytes to `put` with the size they must have. False: the archive has none of that name. */
export async function fetchWalFile(
  request: WalFileRequest,
  put: (body: AsyncIterable<Uint8Array>, expectedBytes: number | null) => Promise<unknown>,
): Promise<boolean> {
  const { archive, name, signal } = request;
  const kind = walFileKind(name);
  if (kind === null) return false;
  if (kind !== "segment") return await untilMissing(() => put(archive.read(name, { signal, lends: true }), null));
  const size = request.segmentSizeBytes;
  const start = segmentStart(name, size);
  const keptBytes = lengthWithin(request, start);
  if (keptBytes === 0) return false;
  const give = (body: AsyncIterable<Uint8Array>) => put(keptBytes < size ? cutAt(body, keptBytes, size) : body, size);
  const whole = await untilMissing(() => give(archive.read(name, { signal, lends: true })));
  if (whole || !request.partial) return whole;
  const part = await archive.partialOf({ timeline: timelineOf(name), startLsn: start, sizeBytes: size });
  // The pieces first: what a promoted server archived under `.partial` ends where it left the timeline.
  if (part !== null && part.endLsn > start) {
    await put(cutAt(part.read(), keptBytes, size), size);
    return true;
  }
  return await untilMissing(() =>
    put(cutAt(archive.read(`${name}.partial`, { signal, lends: true }), keptBytes, size), size),
  );
}

/** How many bytes of a segment may be given. */
function lengthWithin({ name, through, segmentSizeBytes }: WalFileRequest, start: bigint): number {
  if (through === null || through.timeline !== timelineOf(name)) return segmentSizeBytes;
  const left = through.lsn - start;
  if (left <= 0n) return 0;
  return left < BigInt(segmentSizeBytes) ? Number(left) : segmentSizeBytes;
}

async function untilMissing(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (error instanceof AppError && error.code === "wal-missing") return false;
    throw error;
  }
}

/** The first bytes, then zeros: after the last record they are how PostgreSQL knows where the WAL ends. */
async function* cutAt(
  body: AsyncIterable<Uint8Array>,
  keptBytes: number,
  sizeBytes: number,
): AsyncGenerator<Uint8Array> {
  let given = 0;
  // Read to its end all the same: what it has to say of damage it says there.
  for await (const bytes of body) {
    const kept = bytes.subarray(0, Math.max(0, keptBytes - given));
    given += kept.length;
    if (kept.length > 0) yield kept;
  }
  const zeros = new Uint8Array(Math.min(sizeBytes - given, zeroChunkBytes));
  for (; given < sizeBytes; given += Math.min(zeros.length, sizeBytes - given)) {
    yield zeros.subarray(0, sizeBytes - given);
  }
}

function timelineOf(name: string): number {
  return Number.parseInt(name.slice(0, 8), 16);
}

function segmentStart(name: string, segmentSizeBytes: number): bigint {
  return BigInt(`0x${name.slice(8, 16)}`) * 0x1_0000_0000n + BigInt(`0x${name.slice(16)}`) * BigInt(segmentSizeBytes);
}

const zeroChunkBytes = 256 * 1024;
