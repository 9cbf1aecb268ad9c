import { AppError, type Logger } from "@tidemark/kit";
import { type Lsn, walSegmentName } from "@tidemark/postgres";
import type { WalArchive } from "@tidemark/repository";
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
    const found = await archive.describe(name);
    if (found === null || found.facts?.lastRecordEnd === start.startLsn) return null;
    let tail: Uint8Array = new Uint8Array(0);
    for await (const bytes of archive.read(name, { signal })) {
      const kept = tail.subarray(Math.max(0, tail.length - Math.max(0, walTailBytes - bytes.length)));
      tail = Buffer.concat([kept, bytes.subarray(Math.max(0, bytes.length - walTailBytes))]);
      signal.throwIfAborted();
    }
    return tail;
  } catch (error) {
    if (options.signal.aborted || (!(error instanceof AppError) && !signal.aborted)) throw error;
    options.logger.debug({ err: error, segment: name }, "the end of the segment before could not be read");
    return null;
  }
}

/** Longer than nearly all commits: one with 10,000 subtransactions and 1,000 dropped files has some 60 KiB. */
export const walTailBytes = 256 * 1024;
/** A takeover is to be over within seconds; segments may have 1 GiB. */
const longestMs = 3_000;
