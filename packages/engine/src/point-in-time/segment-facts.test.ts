import { chooseForTarget, type RecoveryTarget } from "@tidemark/policy";
import { type Lsn, walSegmentName } from "@tidemark/postgres";
import type { WalArchive } from "@tidemark/repository";
import { expect, it } from "vitest";
import { type ArchivedCluster, recoveryInputOf } from "./archived-cluster.ts";
import { readFactsFor } from "./segment-facts.ts";

const sizeBytes = 1 << 20;
const place = (index: number) => BigInt(index + 1) * BigInt(sizeBytes);
const startedMs = Date.parse("2026-11-01T00:00:00Z");
/** One commit in each segment, a minute after that of the one before. */
const commitOf = (index: number) => ({
  at: new Date(startedMs + index * 60_000),
  lsn: place(index) + 100n,
  xid: 700 + index,
});

/** An archive whose server wrote `busy` segments with commits, and then only switched segments. */
function idleCluster(busy: number, all: number): ArchivedCluster {
  const line = Array.from({ length: all }, (_, index) => {
    const name = walSegmentName(1, place(index) as Lsn, sizeBytes);
    return { name, timeline: 1, startLsn: place(index), storedBytes: 1, facts: undefined };
  });
  const describe = async (name: string) => {
    const index = line.findIndex((one) => one.name === name);
    const commit = index < busy ? commitOf(index) : null;
    const commits = { firstCommit: commit, lastCommit: commit, commitCount: commit === null ? 0 : 1 };
    return { facts: { ...commits, restorePoints: [], relations: [], lastRecordEnd: place(index) + 200n } };
  };
  const whole = { systemIdentifier: 7n, timeline: 1, startLsn: place(0), stopLsn: place(0) + 50n };
  const backup = { backupId: "bak_1", ...whole, stoppedAt: new Date(startedMs - 1), includedWal: null };
  return {
    ...{ systemIdentifier: 7n, archive: { describe } as unknown as WalArchive, segmentSizeBytes: sizeBytes },
    ...{ backups: [backup], lines: new Map([[1, line]]), partials: [], timelines: [], histories: [] },
  };
}

it.each([
  ["a time among the commits", { kind: "time", at: commitOf(50).at, inclusive: true }],
  ["the time of the last one", { kind: "time", at: commitOf(99).at, inclusive: true }],
  ["one of the transactions", { kind: "xid", xid: 700 + 60, inclusive: true }],
] satisfies [string, RecoveryTarget][])("finds %s, however long the server was idle since", async (_, target) => {
  const cluster = idleCluster(100, 1000);
  await readFactsFor(cluster, target, new AbortController().signal);
  const request = { target, timeline: "latest", action: "promote", asStandby: false } as const;
  expect(chooseForTarget(recoveryInputOf([cluster]), request)).toMatchObject({ reachable: true });
});
