import { expect, it } from "vitest";
import { walPageBytes } from "./page-header.ts";
import { beginOfRecordReachingOver } from "./record-reaching-over.ts";
import { commitRecord, mainData, WalBuilder } from "./wal-builder.fixture.ts";
import { WalScanner } from "./wal-scanner.ts";

const at = Date.UTC(2026, 10, 22, 8);

/** A commit with so many bytes behind it that begins so far before the end of the first segment. */
function crossing(commitBytes: number, beforeEnd: number) {
  const wal = new WalBuilder();
  while (wal.lsn - wal.startLsn < wal.segmentBytes - beforeEnd) wal.fillPage(0);
  const { body, ...commit } = commitRecord(700, at);
  const main = new Uint8Array(commitBytes);
  main.set((body as Uint8Array).subarray(2));
  const { lsn, endLsn } = wal.add({ ...commit, body: mainData(main) });
  const [first, second] = wal.segments() as [Uint8Array, Uint8Array];
  return { wal, first, second, begin: Number(lsn - wal.startLsn), endLsn };
}

it.each([
  [900_000, 700_000],
  [300_000, 270_000],
  [20_000, 8_192],
  [40_000, 30_000],
])("finds the page on which a record of %i bytes begins", (commitBytes, beforeEnd) => {
  const { wal, first, second, begin, endLsn } = crossing(commitBytes, beforeEnd);
  const read = (offset: number, bytes: number) => first.subarray(offset, offset + bytes);
  const offset = beginOfRecordReachingOver(second, wal.segmentBytes, read);
  expect(offset).toBe(begin - (begin % walPageBytes));
  const startLsn = wal.startLsn + BigInt(wal.segmentBytes);
  const before = first.subarray(offset ?? 0);
  const scanner = new WalScanner({ major: 18, segmentSizeBytes: wal.segmentBytes, timeline: 1, startLsn, before });
  scanner.push(second);
  expect(scanner.takeFacts()).toMatchObject({ commitCount: 1, lastCommit: { lsn: endLsn, xid: 700 } });
});

it("says that there is none where none reaches over, it began earlier still, or nothing can be read", () => {
  const { wal, first, second } = crossing(300_000, 270_000);
  const read = (offset: number, bytes: number) => first.subarray(offset, offset + bytes);
  expect(beginOfRecordReachingOver(first, wal.segmentBytes, read)).toBeNull();
  expect(beginOfRecordReachingOver(second, wal.segmentBytes, () => null)).toBeNull();
  expect(beginOfRecordReachingOver(new Uint8Array(8), wal.segmentBytes, read)).toBeNull();
  const long = crossing(2_500_000, 8_192).wal.segments();
  const middle = (offset: number, bytes: number) => (long[1] as Uint8Array).subarray(offset, offset + bytes);
  expect(beginOfRecordReachingOver(long[2] as Uint8Array, wal.segmentBytes, middle)).toBeNull();
});
