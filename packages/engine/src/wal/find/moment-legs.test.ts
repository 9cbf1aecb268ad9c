import type { RecoveryInput, WindowBackup, WindowSegment, WindowTimeline } from "@tidemark/policy";
import { describe, expect, it } from "vitest";
import type { ArchivedCluster } from "../../point-in-time/archived-cluster.ts";
import { momentLegs } from "./moment-legs.ts";

const size = 1 << 20;
/** Segment n is written in minute n: a commit at its first second, and one at its last. */
const minute = (n: number, second = 0) => new Date(Date.UTC(2026, 10, 1, 12, n, second));
const lsnOf = (n: number) => BigInt(n * size);

function segments(numbers: readonly number[], timeline = 1, systemIdentifier = 7n): WindowSegment[] {
  return numbers.map((n) => ({
    ...{ systemIdentifier, timeline, startLsn: lsnOf(n), sizeBytes: size },
    facts: {
      firstCommit: { at: minute(n), lsn: lsnOf(n) + 1000n, xid: n * 10 },
      lastCommit: { at: minute(n, 59), lsn: lsnOf(n) + 9000n, xid: n * 10 + 9 },
      restorePoints: [],
      lastRecordEnd: lsnOf(n) + 9100n,
    },
  }));
}

/** Taken in the middle of a minute, with its own WAL. */
function backup(backupId: string, n: number, timeline = 1, systemIdentifier = 7n): WindowBackup {
  const place = { timeline, startLsn: lsnOf(n) + 2000n };
  const stopLsn = lsnOf(n) + 3000n;
  const stoppedAt = minute(n, 30);
  return { backupId, systemIdentifier, ...place, stopLsn, stoppedAt, includedWal: { ...place, endLsn: stopLsn } };
}

function legsOf(
  parts: {
    readonly backups: WindowBackup[];
    readonly segments: WindowSegment[];
    readonly timelines?: WindowTimeline[];
  },
  asked: { readonly from: Date; readonly to: Date; readonly timeline?: number },
) {
  const input: RecoveryInput = { timelines: [], partials: [], knownGaps: [], ...parts };
  const ids = [...new Set(input.backups.map(({ systemIdentifier }) => systemIdentifier))];
  const clusters = ids.map((systemIdentifier) => ({ systemIdentifier, segmentSizeBytes: size }) as ArchivedCluster);
  return momentLegs(clusters, input, { timeline: null, ...asked });
}

const used = ({ legs }: ReturnType<typeof legsOf>) => legs.map((leg) => leg.backup.backupId);
const read = ({ legs }: ReturnType<typeof legsOf>) =>
  legs.map(({ inBackup, archived }) =>
    [...inBackup, ...archived].map(({ timeline, fromLsn, toLsn }) => [
      timeline,
      Number(fromLsn) / size,
      Number(toLsn) / size,
    ]),
  );

const plain = { backups: [backup("old", 1), backup("new", 5)], segments: segments([1, 2, 3, 4, 5, 6, 7, 8, 9]) };

describe("the parts of a search", () => {
  it("begin with the newest backup that ends before the time, and go on until commits are surely later", () => {
    const late = legsOf(plain, { from: minute(7), to: minute(7, 30) });
    expect([used(late), read(late), late.limits]).toEqual([["new"], [[[1, 5, 9]]], []]);
    const early = legsOf(plain, { from: minute(3), to: minute(4) });
    expect([used(early), read(early)]).toEqual([["old"], [[[1, 1, 6]]]]);
    const during = legsOf(plain, { from: minute(5, 10), to: minute(6) });
    expect(used(during)).toEqual(["old"]);
  });

  it("stop before a gap and go on behind it with another backup, and say what is missing", () => {
    const gap = { ...plain, segments: segments([1, 2, 3, 5, 6, 7]) };
    const both = legsOf(gap, { from: minute(2), to: minute(6) });
    expect([used(both), read(both)]).toEqual([
      ["old", "new"],
      [[[1, 1, 4]], [[1, 5, 8]]],
    ]);
    expect(both.limits).toEqual([
      expect.stringMatching(/^WAL is missing after .*12:03:59 UTC and before .*cannot be found$/),
    ]);
    expect(used(legsOf(gap, { from: minute(6), to: minute(7) }))).toEqual(["new"]);
  });

  it("say that nothing comes before the first backup, and refuse a time that is only before it", () => {
    const before = legsOf(plain, { from: minute(0), to: minute(2) });
    expect([used(before), before.limits]).toEqual([["old"], [expect.stringMatching(/^what was committed before/)]]);
    const asked = { from: minute(-9), to: minute(-8) };
    expect(() => legsOf(plain, asked)).toThrow(expect.objectContaining({ code: "target-unreachable" }));
    expect(() => legsOf({ ...plain, backups: [] }, asked)).toThrow(/nothing to search/);
  });

  it("read what only the backup has from the backup", () => {
    const long: WindowBackup = { ...backup("long", 3), startLsn: lsnOf(1) + 2000n };
    const includedWal = { timeline: 1, startLsn: long.startLsn, endLsn: long.stopLsn };
    const { legs } = legsOf(
      { backups: [{ ...long, includedWal }], segments: segments([3, 4, 5]) },
      { from: minute(4), to: minute(9) },
    );
    expect(legs[0]?.inBackup).toEqual([{ timeline: 1, fromLsn: lsnOf(1), toLsn: lsnOf(3) }]);
    expect(legs[0]?.archived[0]?.fromLsn).toBe(lsnOf(3));
  });

  it("follow the way to the newest timeline, and name the others of that time", () => {
    const timelines = [{ systemIdentifier: 7n, timeline: 2, parent: 1, switchLsn: lsnOf(6) + 5000n }];
    const forked = {
      backups: plain.backups,
      segments: [...segments([1, 2, 3, 4, 5, 6, 7, 8]), ...segments([6, 7, 8], 2)],
      timelines,
    };
    const newest = legsOf(forked, { from: minute(7), to: minute(8) });
    expect([newest.timeline, read(newest)]).toEqual([
      2,
      [
        [
          [1, 5, 6],
          [2, 6, 9],
        ],
      ],
    ]);
    expect(newest.limits).toEqual([expect.stringMatching(/^timeline 1 went its own way/)]);
    const first = legsOf(forked, { from: minute(7), to: minute(8), timeline: 1 });
    expect([first.timeline, read(first)]).toEqual([1, [[[1, 5, 9]]]]);
    expect(first.limits).toEqual([expect.stringMatching(/^timeline 2 went its own way/)]);
    expect(legsOf(forked, { from: minute(3), to: minute(4) }).limits).toEqual([]);
  });

  it("know a cluster before this one", () => {
    const earlier = { backups: [backup("before", 1, 1, 3n)], segments: segments([1, 2], 1, 3n) };
    const now = { backups: [backup("since", 5)], segments: segments([5, 6]) };
    const all = { backups: [...earlier.backups, ...now.backups], segments: [...earlier.segments, ...now.segments] };
    expect(legsOf(all, { from: minute(2), to: minute(3) })).toMatchObject({
      isEarlierCluster: true,
      cluster: { systemIdentifier: 3n },
    });
    expect(legsOf(all, { from: minute(6), to: minute(7) })).toMatchObject({ isEarlierCluster: false });
  });
});
