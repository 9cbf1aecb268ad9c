import { describe, expect, it } from "vitest";
import { estimateRemaining } from "./estimate-remaining.ts";
import { heroSentence } from "./hero-sentence.ts";
import { type ProtectionFacts, protectionState } from "./protection-state.ts";
import type { WalProtectionFacts } from "./wal-protection.ts";

const now = new Date("2026-03-15T12:00:00Z");
const ago = (minutes: number) => new Date(now.getTime() - minutes * 60_000);
const day = 24 * 60;

const fine: ProtectionFacts = {
  readAt: now,
  newestRestorable: { stoppedAt: ago(60), damaged: false, suspectPageCount: 0 },
  olderDamagedCount: 0,
  schedule: { cron: "0 11 * * *", timeZone: "UTC" },
  failuresInRow: 0,
  lastDrill: { outcome: "proven", at: ago(30) },
  lastProvenAt: ago(30),
  blockingFindings: [],
  offline: null,
};
const fineWal: WalProtectionFacts = {
  mode: "stream",
  receiverDown: null,
  slot: { state: "fine" },
  gaps: [],
  liveEdgeReachable: true,
  rpo: { kind: "zero" },
  rpoTargetMs: 60_000,
  measuredRtoMs: 30_000,
  rtoTargetMs: 3_600_000,
  lastInstantProvenAt: ago(30),
  instantProofRequired: true,
};
const wal = (change: Partial<WalProtectionFacts>) => ({ wal: { ...fineWal, ...change } });
const behind = (ageMs: number) => ({ kind: "behind", ageMs, bytes: 1_000n, certainty: "exact" }) as const;
const gap = { at: ago(60), cause: "the slot was dropped" };
const newest = (change: Partial<NonNullable<ProtectionFacts["newestRestorable"]>>) => ({
  newestRestorable: { stoppedAt: ago(60), damaged: false, suspectPageCount: 0, ...change },
});

describe("protectionState", () => {
  it.each<[string, Partial<ProtectionFacts>, string, string]>([
    ["is green only with a fresh backup and a proof", {}, "protected", "proven"],
    ["is not green without a proof", { lastProvenAt: null, lastDrill: null }, "unproven", "never-proven"],
    ["is not green with a proof of last year", { lastProvenAt: ago(400 * day) }, "unproven", "proof-too-old"],
    ["is not green with a proof older than promised", { proofLifetimeMs: 60_000 }, "unproven", "proof-too-old"],
    [
      "is degraded when what is stored was not verified in time",
      { verificationLate: "not everything" },
      "degraded",
      "verification-late",
    ],
    ["is degraded when a backup is late", newest({ stoppedAt: ago(1.5 * day) }), "degraded", "backup-late"],
    ["is not late while within its interval", newest({ stoppedAt: ago(1.1 * day) }), "protected", "proven"],
    ["is degraded when the last runs failed", { failuresInRow: 2 }, "degraded", "backups-failing"],
    ["is degraded by suspect pages", newest({ suspectPageCount: 3 }), "degraded", "suspect-pages"],
    ["is degraded when an older backup is damaged", { olderDamagedCount: 1 }, "degraded", "older-backup-damaged"],
    ["is degraded when nothing takes backups", { schedule: null }, "degraded", "no-backup-schedule"],
    [
      "is at risk when two runs in a row gave nothing",
      newest({ stoppedAt: ago(4 * day) }),
      "at-risk",
      "backup-far-overdue",
    ],
    [
      "is at risk when the last drill failed, although one passed before",
      { lastDrill: { outcome: "failed", at: ago(5) } },
      "at-risk",
      "last-drill-failed",
    ],
    ["is at risk when the newest backup is damaged", newest({ damaged: true }), "at-risk", "newest-backup-damaged"],
    ["is at risk when no backup can be taken", { blockingFindings: ["it refuses us"] }, "at-risk", "backup-blocked"],
    ["is degraded while it is offline", { offline: { since: ago(5), by: "user:a" } }, "degraded", "offline"],
    [
      "is as bad as its backups while it is offline",
      { offline: { since: ago(5), by: "user:a" }, newestRestorable: null },
      "unprotected",
      "no-restorable-backup",
    ],
    ["is green with WAL that arrives", wal({}), "protected", "proven"],
    ["stays as it is without WAL, and says so", wal({ mode: "none", rpo: behind(9e9) }), "protected", "proven"],
    ["is at risk when the slot is lost", wal({ slot: { state: "lost" } }), "at-risk", "slot-lost"],
    [
      "is degraded when the slot is in danger",
      wal({ slot: { state: "danger", sentence: "x" } }),
      "degraded",
      "slot-in-danger",
    ],
    ["is degraded by a gap", wal({ gaps: [gap] }), "degraded", "wal-gap"],
    [
      "is at risk while nothing behind a gap can be used",
      wal({ gaps: [gap], liveEdgeReachable: false }),
      "at-risk",
      "wal-behind-gap",
    ],
    ["is degraded over its RPO", wal({ rpo: behind(90_000) }), "degraded", "rpo-over-target"],
    ["is at risk far over its RPO", wal({ rpo: behind(900_000) }), "at-risk", "rpo-far-over-target"],
    ["is green within its RPO", wal({ rpo: behind(50_000) }), "protected", "proven"],
    ["is green over no RPO", wal({ rpo: behind(9e9), rpoTargetMs: null }), "protected", "proven"],
    ["is degraded with an RPO nobody knows", wal({ rpo: { kind: "unknown", reason: "x" } }), "degraded", "rpo-unknown"],
    [
      "is degraded while nothing receives",
      wal({ receiverDown: { since: ago(2), reason: "x" } }),
      "degraded",
      "receiver-down",
    ],
    ["is green through a restart", wal({ receiverDown: { since: ago(0.5), reason: "x" } }), "protected", "proven"],
    ["is degraded over its RTO", wal({ measuredRtoMs: 4_000_000 }), "degraded", "rto-over-target"],
    [
      "is unproven without a recovery to an instant",
      wal({ lastInstantProvenAt: null }),
      "unproven",
      "instant-never-proven",
    ],
    [
      "is unproven with an old recovery to an instant",
      wal({ lastInstantProvenAt: ago(60 * day) }),
      "unproven",
      "instant-proof-too-old",
    ],
    [
      "is green without one where none is asked for",
      wal({ lastInstantProvenAt: null, instantProofRequired: false }),
      "protected",
      "proven",
    ],
    ["is unproven sooner where the policy says so", { proofLifetimeMs: 60_000 }, "unproven", "proof-too-old"],
    ["is unprotected without a restorable backup", { newestRestorable: null }, "unprotected", "no-restorable-backup"],
    ["is unknown when the repository cannot be read", { readAt: null }, "unknown", "facts-unknown"],
    [
      "says the worst first",
      { failuresInRow: 1, lastDrill: { outcome: "failed", at: ago(5) } },
      "at-risk",
      "last-drill-failed",
    ],
  ])("%s", (_, change, state, code) => {
    const protection = protectionState({ ...fine, ...change }, now);
    expect([protection.state, protection.reasons[0]?.code]).toEqual([state, code]);
  });
});

describe("reasons for the present", () => {
  it("say every finding that blocks, and who set it offline since when", () => {
    const facts = { ...fine, blockingFindings: ["a", "b"], offline: { since: ago(90), by: "user:admin" } };
    expect(protectionState(facts, now).reasons.map((reason) => reason.sentence)).toEqual([
      "no backup can be taken: a",
      "no backup can be taken: b",
      "it is offline since 2026-03-15 10:30 UTC (by user:admin): schedules are stopped",
      "restored, started and checked 30 min ago",
    ]);
  });
});

describe("heroSentence", () => {
  it.each([
    ["No server is registered yet", []],
    [
      "1 of 1 servers can be restored; last proven 3 min ago",
      [{ name: "demo", state: "protected", lastProvenAt: ago(3) }],
    ],
    ["1 of 1 servers can be restored; none proven yet", [{ name: "demo", state: "unproven", lastProvenAt: null }]],
    [
      "1 of 2 servers can be restored; last proven 2 h ago, 1 never; billing needs attention",
      [
        { name: "demo", state: "protected", lastProvenAt: ago(125) },
        { name: "billing", state: "unprotected", lastProvenAt: null },
      ],
    ],
  ] as const)("%s", (sentence, servers) => {
    expect(heroSentence(servers, now)).toBe(sentence);
  });
});

describe("estimateRemaining", () => {
  const mib = 1024 * 1024;
  const history = [10, 20, 30, 40, 50].map((rate) => ({ bytes: rate * mib, durationMs: 1000 }));

  it("gives the range between the quartiles of past rates", () => {
    expect(estimateRemaining({ history, doneBytes: 0, totalBytes: 120 * mib, elapsedMs: 0 })).toEqual({
      lowMs: 3000,
      highMs: 6000,
    });
  });
  it("gives nothing rather than an invented number", () => {
    expect(estimateRemaining({ history: [], doneBytes: 5, totalBytes: 10, elapsedMs: 100 })).toBeNull();
    expect(
      estimateRemaining({ history: [{ bytes: 0, durationMs: 0 }], doneBytes: 0, totalBytes: 10, elapsedMs: 9000 }),
    ).toBeNull();
  });
  it("believes this run the more the further it is", () => {
    const early = estimateRemaining({ history, doneBytes: 1 * mib, totalBytes: 100 * mib, elapsedMs: 10_000 });
    const late = estimateRemaining({ history, doneBytes: 99 * mib, totalBytes: 100 * mib, elapsedMs: 990_000 });
    expect(early?.highMs).toBeLessThan(6_000);
    expect(late?.highMs).toBeGreaterThan(700);
  });
  it("is done when nothing is left, even past the estimate", () => {
    expect(estimateRemaining({ history, doneBytes: 130, totalBytes: 120, elapsedMs: 0 })).toEqual({
      lowMs: 0,
      highMs: 0,
    });
  });
});
