import { expect, it } from "vitest";
import { decodeIndex, encodeIndex, type WalIndex } from "./segment-facts.ts";
import type { WalSegmentFacts } from "./wal-archive.ts";

const facts: WalSegmentFacts = {
  ...{ firstCommit: null, lastCommit: null, commitCount: 0, restorePoints: [], relations: [], lastRecordEnd: 8n },
};
const limits = {
  ...{ maxConnections: 90, maxWorkerProcesses: 8, maxWalSenders: 10 },
  ...{ maxPreparedTransactions: 0, maxLocksPerTransaction: 64 },
};

function index(about: WalSegmentFacts | null): WalIndex {
  return {
    ...{ systemIdentifier: 7n, place: { timeline: 1, startLsn: 0n, sizeBytes: 1_048_576 }, kind: "whole" },
    ...{ plainBytes: 1_048_576, boxedBytes: 131_072, plainHash: new Uint8Array(32), facts: about },
  };
}

it.each([
  ["nobody read the segment", null],
  ["the limits changed", { ...facts, limits }],
  ["they did not", { ...facts, limits: null }],
  ["nobody looked for them, as before they were kept", facts],
])("reads what it wrote: %s", (_what, about) => {
  const read = decodeIndex(encodeIndex(index(about)));
  expect(read).toStrictEqual(index(about));
});
