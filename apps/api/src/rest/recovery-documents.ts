import type { WalCoverageRow } from "@tidemark/metadata";
import type { RecoveryInstant } from "@tidemark/policy";
import { z } from "zod";
import { formatLsn } from "../lsn-text.ts";
import type { TargetAnswer } from "../use-cases/recovery-target.ts";
import type { ServerWindow } from "../use-cases/recovery-window.ts";
import type { ServerWal } from "../use-cases/server-wal.ts";

const Time = z.iso.datetime();
const Lsn = z.string().describe('As PostgreSQL prints it: "16/B374D848".');
const Size = z.string().regex(/^\d+$/).describe("Bytes, as decimal text.");

const Instant = z.object({
  timeline: z.number().int(),
  lsn: Lsn,
  at: Time.nullable().describe("By the server's clock; null: no commit was seen that tells it."),
});

export const RecoveryWindowDocument = z
  .object({
    serverId: z.string(),
    computedAt: Time,
    segmentCount: z.number().int(),
    segmentBytes: Size,
    lifetimes: z.array(
      z.object({
        systemIdentifier: z.string(),
        liveEdge: z
          .object({
            timeline: z.number().int(),
            durableLsn: Lsn,
            lastCommit: z.object({ at: Time, lsn: Lsn, xid: z.number().int() }).nullable(),
            reachable: z.boolean(),
          })
          .nullable(),
        timelines: z.array(
          z.object({
            timeline: z.number().int(),
            parent: z.number().int().nullable(),
            switchLsn: Lsn.nullable(),
            stretches: z.array(
              z.object({ from: Instant, to: Instant, backupIds: z.array(z.string()), expiresAt: Time.nullable() }),
            ),
            gaps: z.array(
              z.object({
                timeline: z.number().int(),
                fromLsn: Lsn,
                toLsn: Lsn,
                cause: z.string(),
                before: Instant.nullable(),
                after: Instant.nullable(),
              }),
            ),
            withoutBase: z.array(z.object({ from: Instant, to: Instant })),
            restorePoints: z.array(
              z.object({ name: z.string(), at: Time, lsn: Lsn, timeline: z.number().int(), reachable: z.boolean() }),
            ),
          }),
        ),
      }),
    ),
  })
  .meta({ id: "RecoveryWindow" });

export function representWindow({
  server,
  computedAt,
  stored,
  window,
}: ServerWindow): z.input<typeof RecoveryWindowDocument> {
  return {
    serverId: server.id,
    computedAt: computedAt.toISOString(),
    segmentCount: stored.segments,
    segmentBytes: String(stored.bytes),
    lifetimes: window.lifetimes.map(({ systemIdentifier, liveEdge, timelines }) => ({
      systemIdentifier: String(systemIdentifier),
      liveEdge:
        liveEdge === null
          ? null
          : {
              timeline: liveEdge.timeline,
              durableLsn: formatLsn(liveEdge.durableLsn),
              lastCommit:
                liveEdge.lastCommit === null
                  ? null
                  : {
                      at: liveEdge.lastCommit.at.toISOString(),
                      lsn: formatLsn(liveEdge.lastCommit.lsn),
                      xid: liveEdge.lastCommit.xid,
                    },
              reachable: liveEdge.reachable,
            },
      timelines: timelines.map((one) => ({
        timeline: one.timeline,
        parent: one.parent,
        switchLsn: one.switchLsn === null ? null : formatLsn(one.switchLsn),
        stretches: one.stretches.map((stretch) => ({
          from: instant(stretch.from),
          to: instant(stretch.to),
          backupIds: [...stretch.backupIds],
          expiresAt: stretch.expiresAt?.toISOString() ?? null,
        })),
        gaps: one.gaps.map((gap) => ({
          timeline: gap.timeline,
          fromLsn: formatLsn(gap.fromLsn),
          toLsn: formatLsn(gap.toLsn),
          cause: gap.cause,
          before: instantOrNull(gap.before),
          after: instantOrNull(gap.after),
        })),
        withoutBase: one.withoutBase.map(({ from, to }) => ({ from: instant(from), to: instant(to) })),
        restorePoints: one.restorePoints.map((point) => ({
          name: point.name,
          at: point.at.toISOString(),
          lsn: formatLsn(point.lsn),
          timeline: point.timeline,
          reachable: point.reachable,
        })),
      })),
    })),
  };
}

export const RecoveryTargetDocument = z
  .object({
    reachable: z.boolean(),
    code: z.string().nullable().describe("Why it cannot be reached; null: it can."),
    sentence: z.string(),
    backupId: z.string().nullable(),
    timeline: z.number().int().nullable(),
    through: Instant.nullable().describe("The end of the WAL it needs."),
    walSegments: z.number().int(),
    walBytes: Size,
    notes: z.array(z.string()),
    lastReachable: Instant.nullable(),
    nextReachable: Instant.nullable(),
    candidates: z.array(Instant).describe("Places of an ambiguous name."),
  })
  .meta({ id: "RecoveryTargetAnswer" });

export function representTarget({
  choice,
  sentence,
  walSegments,
  walBytes,
}: TargetAnswer): z.input<typeof RecoveryTargetDocument> {
  const common = { sentence, walSegments, walBytes: String(walBytes) };
  if (choice.reachable) {
    return {
      ...common,
      reachable: true,
      code: null,
      backupId: choice.backupId,
      timeline: choice.timeline,
      through: instant(choice.through),
      notes: [...choice.notes],
      lastReachable: null,
      nextReachable: null,
      candidates: [],
    };
  }
  return {
    ...common,
    reachable: false,
    code: choice.code,
    backupId: null,
    timeline: null,
    through: null,
    notes: [],
    lastReachable: instantOrNull(choice.lastReachable),
    nextReachable: instantOrNull(choice.nextReachable),
    candidates: choice.candidates.map(instant),
  };
}

export const ServerWalDocument = z
  .object({
    mode: z.enum(["stream", "push", "none"]),
    synchronous: z.boolean(),
    rpo: z.object({
      kind: z.enum(["zero", "behind", "unknown"]),
      seconds: z.number().nullable(),
      sentence: z.string(),
    }),
    receiver: z
      .object({
        state: z.enum(["connecting", "streaming", "catching-up", "waiting", "stopped"]),
        stateSince: Time,
        workerId: z.string().nullable(),
        timeline: z.number().int().nullable(),
        receivedLsn: Lsn.nullable(),
        flushedLsn: Lsn.nullable(),
        serverLsn: Lsn.nullable(),
        lastCommitAt: Time.nullable(),
        lastMessageAt: Time.nullable(),
        reconnects: z.number().int(),
        error: z.object({ code: z.string(), message: z.string() }).nullable(),
        updatedAt: Time,
      })
      .nullable(),
    slot: z
      .object({
        name: z.string(),
        walStatus: z.string().nullable(),
        retainedBytes: Size.nullable(),
        safeBytes: z.string().nullable().describe("Bytes, as decimal text; null: no limit is set."),
        walBytesPerSecond: z.number().nullable(),
        fullAt: Time.nullable(),
        observedAt: Time,
      })
      .nullable(),
    coverage: z
      .array(
        z.object({
          repositoryId: z.string(),
          segments: z.number().int(),
          storedBytes: Size,
          verifiedSegments: z.number().int(),
          verifiedBytes: Size,
          damagedSegments: z.number().int(),
          since: Time.nullable().describe("The oldest verification that counts; null: none does."),
        }),
      )
      .describe("What of its archived WAL is opened and followed, in each of its repositories."),
  })
  .meta({ id: "ServerWal" });

export function representWal(
  { mode, synchronous, rpo, rpoSentence, receiver, slot }: ServerWal,
  coverage: readonly WalCoverageRow[],
): z.input<typeof ServerWalDocument> {
  return {
    mode,
    synchronous,
    rpo: {
      kind: rpo.kind,
      seconds: rpo.kind === "zero" ? 0 : rpo.kind === "behind" ? rpo.ageMs / 1000 : null,
      sentence: rpoSentence,
    },
    coverage: coverage.map(({ serverId: _, ...row }) => ({
      ...row,
      storedBytes: String(row.storedBytes),
      verifiedBytes: String(row.verifiedBytes),
      since: row.since?.toISOString() ?? null,
    })),
    receiver:
      receiver === null
        ? null
        : {
            state: receiver.state,
            stateSince: receiver.stateSince.toISOString(),
            workerId: receiver.workerId,
            timeline: receiver.timeline,
            receivedLsn: lsnOrNull(receiver.receivedLsn),
            flushedLsn: lsnOrNull(receiver.flushedLsn),
            serverLsn: lsnOrNull(receiver.serverLsn),
            lastCommitAt: receiver.lastCommit?.at.toISOString() ?? null,
            lastMessageAt: receiver.lastMessageAt?.toISOString() ?? null,
            reconnects: receiver.reconnects,
            error: receiver.error,
            updatedAt: receiver.updatedAt.toISOString(),
          },
    slot:
      slot === null
        ? null
        : {
            name: slot.name,
            walStatus: slot.walStatus,
            retainedBytes: slot.retainedBytes === null ? null : String(slot.retainedBytes),
            safeBytes: slot.safeBytes === null ? null : String(slot.safeBytes),
            walBytesPerSecond: slot.walBytesPerSecond,
            fullAt: slot.fullAt?.toISOString() ?? null,
            observedAt: slot.observedAt.toISOString(),
          },
  };
}

function instant({ timeline, lsn, at }: RecoveryInstant): z.input<typeof Instant> {
  return { timeline, lsn: formatLsn(lsn), at: at?.toISOString() ?? null };
}

function instantOrNull(value: RecoveryInstant | null): z.input<typeof Instant> | null {
  return value === null ? null : instant(value);
}

function lsnOrNull(lsn: bigint | null): string | null {
  return lsn === null ? null : formatLsn(lsn);
}
