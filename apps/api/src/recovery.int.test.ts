import { newId } from "@tidemark/kit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seedBackup, type TestApi, testApi } from "./test-api.ts";

const mib = 1024 * 1024;
const segment = 16 * mib;
const systemIdentifier = "7561234567890123456";
const second = (count: number) => new Date(Date.UTC(2026, 10, 1, 12, 0, count));

let api: TestApi;
let serverId: string;
let backupId: string;

/** Segment n holds one commit a second: 100 of them. Number 5 is missing. */
async function seedWal(): Promise<void> {
  const { server, repository } = await seedBackup(api.metadata, "billing");
  serverId = server.id;
  backupId = newId("backup");
  await api.metadata.backups.mirror({
    id: backupId,
    serverId,
    repositoryId: repository.id,
    startedAt: second(5),
    change: {
      state: "restorable",
      finishedAt: second(20),
      systemIdentifier,
      timeline: 1,
      startLsn: BigInt(segment) + 40n,
      stopLsn: BigInt(segment) + 1000n,
      tablespaces: [],
    },
  });
  const segments = [1, 2, 3, 4, 6].map((number) => {
    const startLsn = BigInt(number * segment);
    const commit = (of: number) => ({
      at: second(number * 100 + of),
      lsn: startLsn + BigInt(of * 1000 + 2000),
      xid: number * 100 + of,
    });
    return {
      serverId,
      repositoryId: repository.id,
      systemIdentifier,
      timeline: 1,
      startLsn,
      sizeBytes: segment,
      storedBytes: 1000n,
      firstCommit: commit(0),
      lastCommit: commit(99),
      commitCount: 100,
      restorePoints: number === 3 ? [{ name: "before the release", at: second(350), lsn: startLsn + 60_000n }] : [],
      lastRecordEnd: startLsn + BigInt(segment) - 8n,
      source: "stream" as const,
    };
  });
  await api.metadata.wal.recordSegments(segments);
  await api.metadata.wal.recordGap({
    serverId,
    systemIdentifier,
    timeline: 1,
    fromLsn: BigInt(5 * segment),
    toLsn: BigInt(6 * segment),
    cause: "the slot was dropped and the server removed the WAL",
  });
}

beforeAll(async () => {
  api = await testApi();
  await seedWal();
});
afterAll(() => api[Symbol.asyncDispose]());

const instant = "{ timeline lsn at }";

describe("a server's recovery window", () => {
  it("is drawn from the WAL that is there, with the gap and its cause", async () => {
    const { data, errors } = await api.graphql(
      `query ($id: ID!) { server(id: $id) { recoveryWindow { segmentCount segmentBytes lifetimes { systemIdentifier
         liveEdge { durableLsn reachable }
         timelines { timeline stretches { from ${instant} to ${instant} backups { id } backupCount }
           gaps { fromLsn toLsn cause before ${instant} after ${instant} }
           withoutBase { from { lsn } to { lsn } } restorePoints { name reachable } } } } } }`,
      { id: serverId },
    );
    expect(errors).toBeUndefined();
    const { segmentCount, segmentBytes, lifetimes } = data.server.recoveryWindow;
    expect([segmentCount, segmentBytes]).toEqual([5, "5000"]);
    const [lifetime] = lifetimes;
    expect(lifetime.systemIdentifier).toBe(systemIdentifier);
    const [timeline] = lifetime.timelines;
    expect(timeline.stretches).toHaveLength(1);
    expect(timeline.stretches[0]).toMatchObject({
      from: { timeline: 1, lsn: "0/10003E8" },
      to: { timeline: 1, lsn: "0/4FFFFF8", at: second(499).toISOString() },
      backups: [{ id: backupId }],
      backupCount: 1,
    });
    expect(timeline.gaps).toMatchObject([
      {
        fromLsn: "0/5000000",
        toLsn: "0/6000000",
        cause: "the slot was dropped and the server removed the WAL",
        before: { at: second(499).toISOString() },
        after: null,
      },
    ]);
    expect(timeline.withoutBase).toMatchObject([{ from: { lsn: "0/6000000" } }]);
    expect(timeline.restorePoints).toEqual([{ name: "before the release", reachable: true }]);
  });

  it("says the same over REST", async () => {
    const { status, body } = await api.rest("GET", `/api/v1/servers/${serverId}/recovery-window`);
    expect(status).toBe(200);
    expect(body.lifetimes[0].timelines[0].stretches[0]).toMatchObject({
      to: { lsn: "0/4FFFFF8", at: second(499).toISOString() },
      backupIds: [backupId],
    });
  });

  it("reaches a transaction by where it ended, which only the WAL would tell otherwise", async () => {
    const target = { kind: "XID", xid: "350", inclusive: false, timeline: 1 };
    expect(await resolve(target)).toMatchObject({ reachable: false, code: "target-not-located" });
    const located = await resolve({ ...target, lsn: "0/300D350" });
    expect(located).toMatchObject({ reachable: true, backup: { id: backupId }, timeline: 1 });
    expect(await resolve({ ...target, lsn: "0/5100000" })).toMatchObject({ reachable: false });
  });

  it("tells what a target needs, and refuses one in the gap with what can be reached", async () => {
    const answer = await resolve({ kind: "TIME", at: second(300).toISOString() });
    expect(answer).toMatchObject({ reachable: true, code: null, backup: { id: backupId }, timeline: 1 });
    expect(answer.walSegments).toBeGreaterThan(0);
    expect(answer.commitBefore).toMatchObject({ at: second(300).toISOString(), xid: 300 });
    expect(answer.commitAfter).toMatchObject({ at: second(399).toISOString(), xid: 399 });
    const refused = await resolve({ kind: "TIME", at: second(570).toISOString() });
    expect(refused).toMatchObject({
      reachable: false,
      code: "target-unreachable",
      backup: null,
      lastReachable: { at: second(499).toISOString() },
    });
    const { body } = await api.rest("POST", `/api/v1/servers/${serverId}/recovery-target`, {
      kind: "name",
      name: "before the release",
    });
    expect(body).toMatchObject({ reachable: true, backupId });
  });

  it("lets no drill be begun to what lies before everything it shows, or in a gap it can go back behind", async () => {
    const start = async (target: object) =>
      (await api.mutate("drillServer", { serverId, target }, "run { id }")) as {
        userErrors: readonly object[];
        run: { id: string } | null;
      };
    const past = { kind: "TIME", at: "2001-01-01T00:00:00Z" };
    const early = await start(past);
    expect(early.run).toBeNull();
    expect(early.userErrors).toMatchObject([
      {
        ...{ code: "bad-request", field: ["target", "at"] },
        message: expect.stringMatching(/2001.* cannot be reached; the first one after it is/),
      },
    ]);
    const ofBackup = await api.mutate("drillBackup", { id: backupId, target: past });
    expect(ofBackup.userErrors).toMatchObject([{ code: "bad-request", field: ["target", "at"] }]);
    expect((await start({ kind: "LSN", lsn: "0/1000000" })).userErrors).toMatchObject([
      { code: "bad-request", field: ["target", "lsn"] },
    ]);
    // What it shows is owed; of what lies behind its end the repository may know more, and need not.
    const promised = async (target: object) => {
      const { run, userErrors } = await start(target);
      expect(userErrors).toEqual([]);
      return (await api.metadata.runs.get(run?.id ?? ""))?.request;
    };
    expect(await promised({ kind: "TIME", at: second(300).toISOString() })).toMatchObject({ promised: true });
    expect(await promised({ kind: "TIME", at: second(570).toISOString() })).toMatchObject({ promised: false });
  });

  it("lets no clone be begun there either, and says what can be reached instead", async () => {
    const make = async (target: object, more: object = {}) =>
      (await api.mutate("createClone", { serverId, target, ...more }, "run { id } clone { id }")) as {
        userErrors: readonly object[];
        run: { id: string } | null;
      };
    const past = { kind: "TIME", at: "2001-01-01T00:00:00Z" };
    const unreachable = {
      code: "bad-request",
      field: ["target", "at"],
      message: expect.stringMatching(/the first one/),
    };
    expect(await make(past)).toMatchObject({ run: null, clone: null, userErrors: [unreachable] });
    expect(await make(past, { backupId })).toMatchObject({ run: null, userErrors: [unreachable] });
    expect(await make({ kind: "LSN", lsn: "0/1000000" })).toMatchObject({
      run: null,
      userErrors: [{ code: "bad-request", field: ["target", "lsn"] }],
    });
    expect(await api.metadata.clones.list({ serverIds: [serverId] })).toEqual([]);
    const over = await api.rest("POST", "/api/v1/clones", { serverId, target: { kind: "time", at: past.at } });
    expect([over.status, over.body]).toMatchObject([400, { code: "bad-request", detail: unreachable.message }]);
    // What the window shows, and what may have come behind its end since it was looked at.
    for (const at of [second(300), second(570)]) {
      const { run, userErrors } = await make({ kind: "TIME", at: at.toISOString() });
      expect(userErrors).toEqual([]);
      expect((await api.metadata.runs.get(run?.id ?? ""))?.kind).toBe("clone");
    }
  });

  it("refuses a target that lacks what its kind needs", async () => {
    const { status, body } = await api.rest("POST", `/api/v1/servers/${serverId}/recovery-target`, { kind: "lsn" });
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: "bad-request" });
    expect(body.detail ?? body.title).toMatch(/needs lsn/);
  });
});

describe("a server's WAL", () => {
  it("is unknown until a receiver told, and zero loss when all is durable", async () => {
    const read = async () => (await api.rest("GET", `/api/v1/servers/${serverId}/wal`)).body;
    expect(await read()).toMatchObject({ mode: "none", rpo: { kind: "unknown" }, receiver: null });
    await api.metadata.servers.update(serverId, { walMode: "stream" });
    const report = {
      serverId,
      workerId: "wrk_00000000000000000000000001",
      fence: 1n,
      state: "streaming" as const,
      systemIdentifier,
      timeline: 1,
      receivedLsn: BigInt(7 * segment),
      flushedLsn: BigInt(7 * segment),
      serverLsn: BigInt(7 * segment),
      lastCommit: null,
      lastMessageAt: new Date(),
      caughtUpAgoMs: 0,
      reconnects: 0,
      error: null,
    };
    await api.metadata.workers.register({
      id: report.workerId,
      hostname: "test",
      pid: 1,
      version: "0",
      restoreRoots: [],
    });
    await api.metadata.walReceivers.report(report);
    expect(await read()).toMatchObject({
      mode: "stream",
      rpo: { kind: "zero", seconds: 0 },
      receiver: { state: "streaming", flushedLsn: "0/7000000" },
    });
    await api.metadata.walReceivers.report({ ...report, serverLsn: BigInt(8 * segment), caughtUpAgoMs: 30_000 });
    const behind = await read();
    expect(behind.rpo).toMatchObject({ kind: "behind" });
    expect(behind.rpo.seconds).toBeGreaterThanOrEqual(30);
  });
});

async function resolve(target: object) {
  const { data, errors } = await api.graphql(
    `query ($id: ID!, $target: RecoveryTargetInput!) { resolveRecoveryTarget(serverId: $id, target: $target) {
       reachable code sentence backup { id } timeline walSegments walBytes through ${instant} notes commitBefore { at lsn xid } commitAfter { at lsn xid }
       lastReachable ${instant} nextReachable ${instant} candidates ${instant} } }`,
    { id: serverId, target },
  );
  expect(errors).toBeUndefined();
  return data.resolveRecoveryTarget;
}
