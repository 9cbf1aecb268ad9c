import { newId } from "@tidemark/kit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Seed, type TestMetadata, testMetadata } from "./test-database.ts";
import { walLeaseKey } from "./wal-claim-store.ts";
import type { WalReceiverReport } from "./wal-receiver-store.ts";
import type { NewWalSegment } from "./wal-store.ts";

let database: TestMetadata;
let seed: Seed;
beforeAll(async () => {
  database = await testMetadata();
  seed = await database.seed();
});
afterAll(() => database[Symbol.asyncDispose]());

const mib16 = 16n << 20n;
const systemIdentifier = "18446744073709551615";

describe("WAL segments", () => {
  const at = new Date("2026-11-22T08:00:00.123Z");
  const segment = (index: bigint, timeline = 1): NewWalSegment => ({
    serverId: seed.serverId,
    repositoryId: seed.repositoryId,
    systemIdentifier,
    timeline,
    startLsn: index * mib16,
    sizeBytes: Number(mib16),
    storedBytes: 1_000n,
    firstCommit: { at, lsn: index * mib16 + 100n, xid: 4_294_967_295 },
    lastCommit: null,
    commitCount: 3,
    restorePoints: [{ name: "before 'x'", at, lsn: index * mib16 + 8n }],
    lastRecordEnd: (index + 1n) * mib16,
    source: "stream",
  });

  it("are kept as told, once, however often they are told", async () => {
    const { wal } = database.metadata;
    await wal.recordSegments([segment(2n), segment(1n), segment(2n)]);
    await wal.recordSegments([{ ...segment(2n), storedBytes: 2_000n }, segment(1n, 2)]);
    const rows = await wal.segments({ serverId: seed.serverId });
    expect(rows.map((row) => [row.timeline, row.startLsn / mib16, row.storedBytes])).toEqual([
      [1, 1n, 1_000n],
      [1, 2n, 2_000n],
      [2, 1n, 1_000n],
    ]);
    const { storedAt: _, ...kept } = rows[0] ?? { storedAt: null };
    expect(kept).toEqual(segment(1n));
    expect(await wal.summary([seed.serverId])).toMatchObject([
      { timeline: 1, segments: 2, storedBytes: 3_000n, firstLsn: mib16, endLsn: 3n * mib16 },
      { timeline: 2, segments: 1 },
    ]);
  });

  it("are found by what they overlap, and forgotten one by one", async () => {
    const { wal } = database.metadata;
    const about = { serverId: seed.serverId, timeline: 1 };
    const starts = async (range: { from?: bigint; to?: bigint }) =>
      (await wal.segments({ ...about, ...range })).map((row) => row.startLsn / mib16);
    expect(await starts({ from: 2n * mib16 - 1n, to: 2n * mib16 })).toEqual([1n]);
    expect(await starts({ from: 2n * mib16 })).toEqual([2n]);
    expect(await wal.forgetSegments([segment(1n), segment(9n)])).toBe(1);
    expect(await starts({})).toEqual([2n]);
  });

  it("show their holes, once a kept backup lies before them", async () => {
    const { wal, backups } = database.metadata;
    await wal.recordSegments([segment(1n), segment(2n), segment(4n), segment(9n, 3)]);
    expect(await wal.holes([seed.serverId])).toEqual([]);
    await backups.mirror({
      id: newId("backup"),
      serverId: seed.serverId,
      repositoryId: seed.repositoryId,
      startedAt: at,
      change: { state: "restorable", systemIdentifier, timeline: 1, startLsn: mib16, stopLsn: 2n * mib16 },
    });
    expect(await wal.holes([seed.serverId])).toEqual([
      { serverId: seed.serverId, systemIdentifier, timeline: 1, fromLsn: 3n * mib16, toLsn: 4n * mib16, at: null },
    ]);
  });

  it("are verified one by one; one that is damaged is a hole until it is found sound, unless it is elsewhere, too", async () => {
    const { wal, backups } = database.metadata;
    const { serverId, repositoryId } = await database.seed("verified");
    const ids = { serverId, repositoryId };
    const own = (index: bigint): NewWalSegment => ({ ...segment(index), ...ids });
    await wal.recordSegments([own(1n), own(2n), own(3n)]);
    await backups.mirror({
      ...{ id: newId("backup"), ...ids, startedAt: at },
      change: { state: "restorable", systemIdentifier, timeline: 1, startLsn: mib16, stopLsn: mib16 + 100n },
    });
    const told = (index: bigint, isWhole: boolean, damage: string | null) =>
      wal.recordVerdicts([{ ...own(index), isWhole, damage }], at);
    await told(1n, true, null);
    await told(2n, false, "its hash does not match");
    await told(3n, false, null);
    expect(await wal.coverage([ids.serverId])).toEqual([
      {
        ...{ ...ids, segments: 3, storedBytes: 3_000n, verifiedSegments: 1, verifiedBytes: 1_000n },
        ...{ damagedSegments: 1, since: new Date(at.getTime()) },
      },
    ]);
    const hole = { fromLsn: 2n * mib16, toLsn: 3n * mib16 };
    expect(await wal.holes([ids.serverId])).toMatchObject([hole]);
    expect(await wal.damaged([ids.serverId])).toMatchObject([{ startLsn: 2n * mib16, isElsewhere: false }]);
    const sound = await wal.segments({ serverId: ids.serverId, onlySound: true });
    expect(sound.map(({ startLsn }) => startLsn / mib16)).toEqual([1n, 3n]);
    expect(await wal.soundSince(ids, at)).toMatchObject([{ startLsn: mib16 }]);
    expect(await wal.soundSince(ids, new Date(at.getTime() + 1))).toEqual([]);
    // What is stored well need not be WAL that can be followed.
    await told(2n, false, null);
    expect(await wal.holes([ids.serverId])).toHaveLength(1);
    const gap = { serverId: ids.serverId, systemIdentifier, timeline: 1, ...hole };
    await wal.recordGap({ ...gap, cause: "it is damaged" });
    await told(2n, true, null);
    expect([await wal.holes([ids.serverId]), await wal.damaged([ids.serverId])]).toEqual([[], []]);
    expect([await wal.forgetGap(gap), await wal.forgetGap(gap)]).toEqual([true, false]);
  });

  it("show a hole between a timeline and the one it came from", async () => {
    const { wal, backups } = database.metadata;
    const ids = await database.seed("forked");
    const own = (index: bigint, timeline: number): NewWalSegment => ({ ...segment(index, timeline), ...ids });
    const history = async (timeline: number, parent: number, switchLsn: bigint) =>
      await wal.recordTimeline({
        ...{ serverId: ids.serverId, systemIdentifier, timeline, parent, switchLsn },
        history: `${parent}\t0/0\tno recovery target specified\n`,
      });
    await backups.mirror({
      id: newId("backup"),
      ...{ serverId: ids.serverId, repositoryId: ids.repositoryId, startedAt: at },
      change: { state: "restorable", systemIdentifier, timeline: 1, startLsn: mib16, stopLsn: 2n * mib16 },
    });
    // Timeline 2 goes on where 1 was left; 1 itself went on for a while.
    await wal.recordSegments([1n, 2n, 3n, 4n].map((index) => own(index, 1)));
    await history(2, 1, 3n * mib16 + 100n);
    await wal.recordSegments([3n, 4n].map((index) => own(index, 2)));
    expect(await wal.holes([ids.serverId])).toEqual([]);
    // 3 began in segment 8 of 2, of which 5 to 7 never came; 4 began in 9 of 3, which has nothing of its own.
    await history(3, 2, 8n * mib16 + 100n);
    await history(4, 3, 9n * mib16 + 100n);
    await wal.recordSegments([9n, 10n].map((index) => own(index, 4)));
    const hole = { serverId: ids.serverId, systemIdentifier, timeline: 2, fromLsn: 5n * mib16, toLsn: 9n * mib16 };
    expect(await wal.holes([ids.serverId])).toMatchObject([hole]);
    await wal.recordSegments([own(8n, 3)]);
    expect(await wal.holes([ids.serverId])).toMatchObject([{ ...hole, toLsn: 8n * mib16 }]);
    await wal.recordSegments([5n, 6n, 7n].map((index) => own(index, 2)));
    expect(await wal.holes([ids.serverId])).toEqual([]);
    // Behind its beginning what is missing is the timeline's own.
    await history(5, 4, 11n * mib16);
    await wal.recordSegments([own(12n, 5)]);
    expect(await wal.holes([ids.serverId])).toMatchObject([{ timeline: 5, fromLsn: 11n * mib16, toLsn: 12n * mib16 }]);
  });

  it("are told of while the second repository lacks them behind its oldest backup", async () => {
    const { wal, backups, copies, repositories, servers } = database.metadata;
    const ids = await database.seed("copied");
    const second = await repositories.create({ name: "second", url: "file:///srv/second", encrypted: true });
    await servers.update(ids.serverId, { copyToId: second.id });
    const own = (index: bigint): NewWalSegment => ({ ...segment(index), ...ids });
    await wal.recordSegments([own(1n), own(2n), own(3n)]);
    expect(await wal.uncopied([ids.serverId])).toEqual([]);
    const id = newId("backup");
    const change = { state: "restorable", systemIdentifier, timeline: 1, startLsn: 2n * mib16 + 40n } as const;
    await backups.mirror({ id, serverId: ids.serverId, repositoryId: ids.repositoryId, startedAt: at, change });
    await copies.record({ serverId: ids.serverId, repositoryId: second.id, presentIds: [id] });
    expect(await wal.uncopied([ids.serverId])).toMatchObject([{ segments: 2, storedBytes: 2_000n }]);
    await wal.recordSegments([2n, 3n].map((index) => ({ ...own(index), repositoryId: second.id })));
    expect(await wal.uncopied([ids.serverId])).toEqual([]);
  });

  it("of a server or repository that is gone are passed over", async () => {
    await database.metadata.wal.recordSegments([{ ...segment(5n), serverId: "srv_gone" }]);
    expect(await database.metadata.wal.segments({ serverId: "srv_gone" })).toEqual([]);
  });
});

describe("gaps and timelines", () => {
  it("keep their id and the backup begun because of them, when told again with a later end", async () => {
    const { wal } = database.metadata;
    const gap = {
      serverId: seed.serverId,
      systemIdentifier,
      timeline: 1,
      fromLsn: 5n,
      toLsn: 9n,
      cause: "slot dropped",
    };
    const first = await wal.recordGap(gap);
    const again = await wal.recordGap({ ...gap, toLsn: 12n });
    expect(again).toMatchObject({ id: first.id, fromLsn: 5n, toLsn: 12n, runId: null });
    expect(await wal.gaps([seed.serverId])).toEqual([again]);
  });

  it("do not lose a timeline's parent when it is told without", async () => {
    const { wal } = database.metadata;
    const told = {
      serverId: seed.serverId,
      systemIdentifier,
      timeline: 2,
      parent: 1,
      switchLsn: 77n,
      history: "1\t0/4D\tx\n",
    };
    await wal.recordTimeline(told);
    await wal.recordTimeline({ ...told, parent: null, switchLsn: null, history: "" });
    expect(await wal.timelines([seed.serverId])).toEqual([told]);
  });
});

describe("a receiver's row", () => {
  const report = (fence: bigint, change: Partial<WalReceiverReport> = {}): WalReceiverReport => ({
    serverId: seed.serverId,
    workerId: newId("worker"),
    fence,
    state: "streaming",
    systemIdentifier,
    timeline: 1,
    receivedLsn: 100n,
    flushedLsn: 90n,
    serverLsn: 110n,
    lastCommit: null,
    lastMessageAt: null,
    caughtUpAgoMs: 1_000,
    reconnects: 0,
    error: null,
    ...change,
  });

  it("takes no word from a worker whose lease was taken over", async () => {
    const { walReceivers } = database.metadata;
    expect(await walReceivers.report(report(7n))).toBe(true);
    expect(await walReceivers.report(report(6n, { state: "waiting" }))).toBe(false);
    await walReceivers.stopped(seed.serverId, 6n);
    const [row] = await walReceivers.ofServers([seed.serverId]);
    expect(row).toMatchObject({ fence: 7n, state: "streaming", flushedLsn: 90n });
    await walReceivers.stopped(seed.serverId, 7n);
    expect(await walReceivers.ofServers([seed.serverId])).toMatchObject([{ state: "stopped", workerId: null }]);
  });

  it("keeps what an older connection knew where a new one does not know yet", async () => {
    const { walReceivers } = database.metadata;
    await walReceivers.report(report(8n));
    await walReceivers.report(
      report(8n, { state: "connecting", flushedLsn: null, serverLsn: null, caughtUpAgoMs: null }),
    );
    const [row] = await walReceivers.ofServers([seed.serverId]);
    expect(row).toMatchObject({ state: "connecting", flushedLsn: 90n, serverLsn: 110n });
    expect(row?.caughtUpAt).toBeInstanceOf(Date);
    // Nothing of a promoted standby's timeline is here yet, however far the dead primary's went.
    await walReceivers.report(report(8n, { state: "waiting", timeline: 2, receivedLsn: null, flushedLsn: null }));
    expect(await walReceivers.ofServers([seed.serverId])).toMatchObject([{ timeline: 2, flushedLsn: null }]);
  });

  it("tells of the slot apart, also before any receiver ran", async () => {
    const other = await database.seed("slot");
    await database.metadata.walReceivers.reportSlot({
      serverId: other.serverId,
      walStatus: "unreserved",
      restartLsn: 5n,
      safeBytes: -3n,
      retainedBytes: 10n,
      serverLsn: 15n,
      walBytesPerSecond: 2.5,
      fullAt: null,
    });
    const [row] = await database.metadata.walReceivers.ofServers([other.serverId]);
    expect(row).toMatchObject({ state: "stopped", slot: { walStatus: "unreserved", safeBytes: -3n } });
    expect(await database.metadata.walReceivers.report(report(1n, { serverId: other.serverId }))).toBe(true);
  });
});

describe("the board of receivers", () => {
  it("shows servers that stream, are online and have a connection, and who has them", async () => {
    const { metadata } = database;
    const streaming = await database.seed("streams");
    const offline = await database.seed("offline");
    for (const { serverId } of [streaming, offline]) await metadata.servers.update(serverId, { walMode: "stream" });
    await metadata.offline.setOffline({ serverId: offline.serverId, by: "user:test", reason: "maintenance" });
    const workerId = newId("worker");
    await metadata.workers.register({
      id: workerId,
      hostname: "h",
      pid: 1,
      version: "0",
      restoreRoots: [],
      walCapacity: 5,
    });
    expect(await metadata.walClaims.board()).toEqual({
      candidates: [
        { serverId: streaming.serverId, workerId: null, version: 2, repositorySettings: expect.any(String) },
      ],
      workers: [{ workerId, capacity: 5, held: 0 }],
    });
    const key = walLeaseKey(streaming.serverId);
    const lease = await metadata.leases.acquire({ key, workerId, runId: null, ttlMs: 60_000 });
    if (lease === null) throw new Error("not acquired");
    const held = await metadata.walClaims.board();
    expect(held.candidates).toMatchObject([{ serverId: streaming.serverId, workerId }]);
    expect(held.workers).toEqual([{ workerId, capacity: 5, held: 1 }]);
    const renewed = await metadata.walClaims.renewAll([lease, { key, fence: lease.fence + 1n }], 90_000);
    expect(renewed.map(({ fence }) => fence)).toEqual([lease.fence]);
    expect(renewed[0]?.expiresAt.getTime()).toBeGreaterThan(lease.expiresAt.getTime());
  });
});

describe("clones", () => {
  it("move from state to state, end once, and are found when their time is over", async () => {
    const { clones } = database.metadata;
    const clone = await clones.create({
      serverId: seed.serverId,
      backupId: null,
      target: { kind: "latest" },
      createdBy: "user:test",
      livesForMs: 60_000,
    });
    expect(clone).toMatchObject({ state: "preparing", target: { kind: "latest" }, endedAt: null });
    expect(
      await clones.update(clone.id, { state: "running", port: 5_555, sealedPassword: "s" }, ["preparing"]),
    ).toMatchObject({
      state: "running",
      port: 5_555,
    });
    expect(await clones.update(clone.id, { state: "moving" }, ["preparing"])).toBeNull();
    expect(await clones.sealedPassword(clone.id)).toBe("s");
    expect(await clones.expired()).toEqual([]);
    await clones.extend(clone.id, -1_000);
    expect((await clones.expired()).map(({ id }) => id)).toEqual([clone.id]);
    expect((await clones.update(clone.id, { state: "ended" }))?.endedAt).toBeInstanceOf(Date);
    expect(await clones.expired()).toEqual([]);
    expect(await clones.extend(clone.id, 1_000)).toBeNull();
  });
});
