import type { WindowSegmentFacts } from "@tidemark/policy";
import { WalScanner } from "@tidemark/postgres";
import type { WalPartial } from "@tidemark/repository";
import { throwIfCancelled } from "../act.ts";

/** What there is of a segment in the making has no end that says what is in it: at most one segment is read. */
export async function scanPartial(
  partial: WalPartial,
  major: number,
  signal: AbortSignal,
): Promise<WindowSegmentFacts | null> {
  const { timeline, startLsn, sizeBytes } = partial.place;
  const scanner = new WalScanner({ major, segmentSizeBytes: sizeBytes, timeline, startLsn });
  for await (const chunk of partial.read()) {
    throwIfCancelled(signal);
    scanner.push(chunk);
  }
  return scanner.takeFacts();
}
