import { AppError } from "@tidemark/kit";
import type { WindowSegmentFacts, WindowTimeline } from "@tidemark/policy";
import { type Lsn, WalScanner, walSegmentName } from "@tidemark/postgres";
import type { WalArchive, WalPartial } from "@tidemark/repository";
import { throwIfCancelled } from "../act.ts";
import { readTail } from "../wal/receive/tail-before.ts";

export interface ScannedPartial {
  readonly archive: WalArchive;
  readonly partial: WalPartial;
  readonly major: number;
  /** Where its timeline came from. */
  readonly timelines: readonly WindowTimeline[];
  readonly signal: AbortSignal;
}

/**
 * What there is of a segment in the making has no end that says what is in it: at most one segment is read, and of the one
 * before, where a record may begin that ends in this one, its end.
 */
export async function scanPartial(scanned: ScannedPartial): Promise<WindowSegmentFacts | null> {
  const { partial, major, signal } = scanned;
  const { timeline, startLsn, sizeBytes } = partial.place;
  const before = await endBefore(scanned);
  const scanner = new WalScanner({ major, segmentSizeBytes: sizeBytes, timeline, startLsn, before });
  for await (const chunk of partial.read()) {
    throwIfCancelled(signal);
    scanner.push(chunk);
  }
  return scanner.takeFacts();
}

/** Of its own timeline, or of the one that came from. Null where there is none, or it cannot be read: one record is not told of then. */
async function endBefore({ archive, partial, timelines, signal }: ScannedPartial): Promise<Uint8Array | null> {
  const { timeline, startLsn, sizeBytes } = partial.place;
  const from = startLsn - BigInt(sizeBytes);
  if (from < 0n) return null;
  const { parent = null } = timelines.find((one) => one.timeline === timeline) ?? {};
  for (const owner of parent === null ? [timeline] : [timeline, parent]) {
    try {
      const tail = await readTail(archive, walSegmentName(owner, from as Lsn, sizeBytes), signal);
      if (tail !== null) return tail;
    } catch (error) {
      throwIfCancelled(signal);
      if (!(error instanceof AppError) || !unreadable.has(error.code)) throw error;
    }
  }
  return null;
}

const unreadable: ReadonlySet<string> = new Set(["wal-missing", "wal-damaged"]);
