import type { Run, Server, WalGapRow, WalReceiverRow } from "@tidemark/metadata";
import { describe, expect, it } from "vitest";
import { type WalEvidence, walFindings } from "./wal-findings.ts";

const now = new Date("2026-11-22T12:00:00Z");
const ago = (seconds: number) => new Date(now.getTime() - seconds * 1_000);
const server = {
  id: "srv_01kb0000000000000000000001",
  name: "main",
  connection: "postgresql://main",
  walMode: "stream",
  walSlot: null,
  createdAt: ago(86_400),
} as Server;
const receiver: WalReceiverRow = {
  serverId: server.id,
  workerId: "wrk_1",
  fence: 1n,
  state: "streaming",
  systemIdentifier: "7",
  timeline: 1,
  receivedLsn: 100n,
  flushedLsn: 100n,
  serverLsn: 100n,
  lastCommit: null,
  lastMessageAt: now,
  caughtUpAt: now,
  reconnects: 0,
  error: null,
  stateSince: ago(3_600),
  updatedAt: ago(2),
  slot: {
    observedAt: now,
    walStatus: "reserved",
    restartLsn: 0n,
    safeBytes: null,
    retainedBytes: 100n,
    walBytesPerSecond: 1_000,
    fullAt: null,
  },
};
const slot = receiver.slot as NonNullable<WalReceiverRow["slot"]>;
const gap: WalGapRow = {
  id: "gap_1",
  serverId: server.id,
  systemIdentifier: "7",
  timeline: 1,
  fromLsn: 0x1000000n,
  toLsn: 0x2000000n,
  cause: "the slot was dropped",
  foundAt: ago(60),
  runId: "run_1",
};
const fine: WalEvidence = {
  server,
  now,
  receiver,
  gaps: [],
  gapRuns: new Map(),
  newest: null,
  oldest: null,
  windowDays: null,
  uncopied: null,
  offline: null,
  rpoTargetSeconds: 60,
  hasRoom: true,
};

function found(change: Partial<WalEvidence>): readonly string[] {
  return walFindings({ ...fine, ...change }).map(
    (finding) => `${finding.checkId} ${finding.severity}: ${finding.found}`,
  );
}

describe("findings of WAL", () => {
  it("are none while a receiver streams and nothing is behind", () => {
    expect(found({})).toEqual([]);
  });

  it.each<[string, Partial<WalEvidence>, RegExp]>([
    ["nobody took the server", { receiver: null }, /^wal-receiver-down blocks-wal: no worker took it yet$/],
    ["every worker is full", { receiver: null, hasRoom: false }, /WAL_RECEIVERS/],
    ["its worker is silent", { receiver: { ...receiver, updatedAt: ago(40) } }, /the last word of one is/],
    [
      "it cannot connect for a while",
      {
        receiver: {
          ...receiver,
          state: "waiting",
          stateSince: ago(90),
          error: { code: "connection-refused", message: "nobody listens" },
        },
      },
      /nobody listens$/,
    ],
    [
      "commits are on the server alone for longer than promised",
      { receiver: { ...receiver, serverLsn: 5_000n, caughtUpAt: ago(120) } },
      /^wal-behind risk: .* are not with us yet/,
    ],
    [
      "the slot is gone",
      { receiver: { ...receiver, slot: { ...slot, walStatus: "missing" } } },
      /^wal-slot-lost blocks-wal: .*what is with us ends at 0\/64; there is no backup yet$/,
    ],
    [
      "the slot is past its limit",
      { receiver: { ...receiver, slot: { ...slot, walStatus: "unreserved", safeBytes: -1n } } },
      /^wal-slot-danger blocks-wal: .* is unreserved/,
    ],
    [
      "the limit comes near at this rate",
      {
        receiver: {
          ...receiver,
          slot: { ...slot, safeBytes: 1n << 30n, retainedBytes: 1n << 30n, fullAt: new Date(now.getTime() + 600_000) },
        },
      },
      /at this rate in 10 min;/,
    ],
    [
      "nothing limits a slot that holds much",
      { receiver: { ...receiver, slot: { ...slot, retainedBytes: 9n << 30n } } },
      /^wal-slot-danger risk: .* nothing limits it/,
    ],
    [
      "the second repository lacks WAL for long",
      {
        server: { ...server, copyToId: "rep_2" },
        uncopied: { serverId: server.id, segments: 3, storedBytes: 4_096n, since: ago(3_600) },
      },
      /^wal-copy-late risk: 3 segments \(4\.00 KiB\) are not there, the oldest for 1 h$/,
    ],
  ])("say when %s", (_what, change, text) => {
    expect(found(change)).toEqual([expect.stringMatching(text)]);
  });

  it("let a restart be, and a server that is offline or streams nothing", () => {
    const waiting = { ...receiver, state: "waiting" as const, stateSince: ago(20), error: { code: "x", message: "y" } };
    expect(found({ receiver: waiting })).toEqual([]);
    const offline = { id: "o", serverId: server.id, since: ago(90), endedAt: null } as WalEvidence["offline"];
    expect(found({ receiver: null, offline })).toEqual([]);
    expect(found({ receiver: null, server: { ...server, walMode: "none" } })).toEqual([]);
    const uncopied = { serverId: server.id, segments: 3, storedBytes: 4_096n, since: ago(90) };
    expect(found({ server: { ...server, copyToId: "rep_2" }, uncopied })).toEqual([]);
  });

  it("tell of a gap until a backup behind it can be restored, and what is done about it", () => {
    const run = { id: "run_1", finishedAt: null, state: "running" } as Run;
    const withRun = { gaps: [gap], gapRuns: new Map([["run_1", run]]) };
    const [finding] = walFindings({ ...fine, ...withRun });
    expect(finding?.found).toBe("0/1000000 to 0/2000000 on timeline 1, because the slot was dropped");
    expect(finding?.remedy?.advice).toMatch(/run_1 is on its way/);
    expect(finding?.actionPath).toBe("/runs/run_1");
    const before = { id: "b", startLsn: 0x500000n, timeline: 1, startedAt: ago(600) } as WalEvidence["newest"];
    expect(found({ ...withRun, newest: before })).toHaveLength(1);
    const behind = { id: "b", startLsn: 0x2000028n, timeline: 1, startedAt: ago(10) } as WalEvidence["newest"];
    expect(found({ ...withRun, newest: behind })).toEqual([]);
    expect(found({ ...withRun, newest: behind, oldest: behind })).toEqual([]);
    // It stays one as long as there is something before it to restore to, and as long as instants are promised.
    const healed = { ...withRun, newest: behind, oldest: before };
    expect(found(healed)).toEqual([
      "wal-gap-past note: 0/1000000 to 0/2000000 on timeline 1, because the slot was dropped",
    ]);
    expect(walFindings({ ...fine, ...healed })[0]?.remedy?.advice).toBe(
      "nothing brings it back: it counts until no backup before it is left",
    );
    expect(found({ ...healed, windowDays: 1 })).toHaveLength(1);
    expect(found({ ...healed, windowDays: 1, now: new Date(now.getTime() + 86_400_000) })).not.toContainEqual(
      expect.stringMatching(/wal-gap/),
    );
  });
});
