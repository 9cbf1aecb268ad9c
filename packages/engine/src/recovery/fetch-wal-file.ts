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
  const size = kind === "segment" ? request.segmentSizeBytes : null;
  const whole = await untilMissing(() => put(archive.read(name, { signal }), size));
  if (whole || kind !== "segment" || !request.partial) return whole;
  const part = await archive.partial(Number.parseInt(name.slice(0, 8), 16));
  // The pieces first: what a promoted server archived under `.partial` ends where it left the timeline.
  if (part !== null && part.place.startLsn === segmentStart(name, request.segmentSizeBytes)) {
    await put(filledUp(part.read(), request.segmentSizeBytes), size);
    return true;
  }
  const left = () => filledUp(archive.read(`${name}.partial`, { signal }), request.segmentSizeBytes);
  return await untilMissing(() => put(left(), size));
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

/** Zeros after the last record are how PostgreSQL knows where the WAL ends. */
async function* filledUp(body: AsyncIterable<Uint8Array>, sizeBytes: number): AsyncGenerator<Uint8Array> {
  let left = sizeBytes;
  for await (const bytes of body) {
    left -= bytes.length;
    yield bytes;
  }
  const zeros = new Uint8Array(Math.max(0, Math.min(left, zeroChunkBytes)));
  for (; left > 0; left -= zeros.length) yield zeros.subarray(0, left);
}

function segmentStart(name: string, segmentSizeBytes: number): bigint {
  return BigInt(`0x${name.slice(8, 16)}`) * 0x1_0000_0000n + BigInt(`0x${name.slice(16)}`) * BigInt(segmentSizeBytes);
}

const zeroChunkBytes = 256 * 1024;
