import { BackupMethod, ServerCheckResult, WalMode } from "@tidemark/jobs";
import { scheduleKinds } from "@tidemark/metadata";
import { z } from "zod";

/** What REST answers: the same facts as GraphQL, states in lower case, sizes as decimal text, times as RFC 3339. */

const Time = z.iso.datetime();
const Size = z.string().regex(/^\d+$/).describe("Bytes, as decimal text.");
const Failure = z.object({ code: z.string(), message: z.string(), hint: z.string().nullable() });

export const ServerDocument = z
  .object({
    id: z.string(),
    name: z.string(),
    connection: z.string().describe("Without its password."),
    systemIdentifier: z.string().nullable(),
    serverVersion: z.string().nullable(),
    majorVersion: z.number().int().nullable(),
    inRecovery: z.boolean().nullable(),
    isDemo: z.boolean(),
    sizeBytes: Size.nullable(),
    lastContactAt: Time.nullable(),
    backupMethod: BackupMethod.describe("How its backups are taken when one asks for no other method."),
    walMode: WalMode.describe("How its WAL comes to us."),
    walSlot: z.string().describe("The physical slot our receiver streams from, also while it does not."),
    synchronous: z.boolean().describe("Commits may wait for us."),
    repositoryId: z.string(),
    copyToId: z.string().nullable().describe("The second repository its backups are copied to; null: none."),
    copyMaxRateKib: z.number().int().nullable().describe("KiB a second of copies there; null: the workers' setting."),
    policyId: z.string(),
    targets: z
      .object({
        rpoTargetSeconds: z
          .number()
          .int()
          .nullable()
          .describe("Null: a minute where WAL is streamed, else nothing; 0: no target."),
        rtoTargetSeconds: z.number().int().nullable().describe("Null: nothing is promised."),
        proofDays: z.number().int().nullable().describe("Null: 31; 0: for ever."),
        verifyDays: z.number().int().nullable().describe("Null: nothing is verified by itself."),
      })
      .describe("What its policy promises beside retention."),
    protection: z.object({
      state: z.enum(["protected", "unproven", "degraded", "at-risk", "unprotected", "unknown"]),
      reasons: z.array(z.string()),
    }),
    offline: z
      .object({ since: Time, by: z.string(), reason: z.string() })
      .nullable()
      .describe("Null: it is in service."),
    lastBackupId: z.string().nullable().describe("The newest restorable one."),
    lastProvenAt: Time.nullable(),
    schedules: z.array(
      z.object({
        id: z.string(),
        kind: z.enum(scheduleKinds),
        cron: z.string(),
        zone: z.string(),
        enabled: z.boolean(),
      }),
    ),
    version: z.number().int().describe("Also the ETag."),
    createdAt: Time,
  })
  .meta({ id: "Server" });

export const BackupDocument = z
  .object({
    id: z.string(),
    serverId: z.string(),
    repositoryId: z.string(),
    runId: z.string().nullable(),
    state: z.enum(["running", "stored", "restorable", "failed", "interrupted", "deleting", "deleted"]),
    damaged: z.boolean(),
    damageDetail: z.string().nullable(),
    label: z.string().nullable(),
    startedAt: Time,
    finishedAt: Time.nullable(),
    startLsn: z.string().nullable(),
    stopLsn: z.string().nullable(),
    timeline: z.number().int().nullable(),
    serverVersion: z.string().nullable(),
    systemIdentifier: z.string().nullable(),
    fileCount: z.number().int().nullable(),
    sizeBytes: Size.nullable(),
    readBytes: Size.nullable(),
    storedBytes: Size.nullable(),
    referencedBytes: Size.nullable().describe("Shared with earlier backups, read again or carried."),
    sizes: z
      .object({
        totalBytes: Size,
        newBytes: Size,
        referencedBytes: Size,
        carriedBytes: Size,
        zeroBytes: Size,
        readBytes: Size,
        sentBytes: Size.nullable(),
        storedBytes: Size,
      })
      .nullable()
      .describe("Where each byte came from: total = new + referenced + carried + zero."),
    places: z
      .array(z.object({ backupId: z.string().nullable(), packs: z.number().int(), bytes: Size }))
      .nullable()
      .describe("By which backups the packs were written that hold its bytes; null: not looked for yet."),
    reading: z
      .discriminatedUnion("kind", [
        z.object({ kind: z.literal("full"), reason: z.string().nullable() }),
        z.object({
          kind: z.literal("incremental"),
          fromBackupId: z.string(),
          fromLsn: z.string(),
          resentFiles: z.number().int(),
          resentBytes: Size,
        }),
      ])
      .nullable()
      .describe("How much of the server was read. The backup is complete either way."),
    trust: z
      .object({
        round: z.number().int(),
        findings: z.array(
          z.object({
            path: z.string(),
            blocks: z.array(z.number().int()),
            older: z.enum(["stored", "server", "neither"]),
          }),
        ),
      })
      .nullable()
      .describe("What rolling trust found; null: it took no part."),
    coverage: z
      .object({
        storedShare: z.number(),
        wholeShare: z.number(),
        storedSince: Time.nullable(),
        wholeSince: Time.nullable(),
      })
      .nullable()
      .describe("How much of it is verified by now."),
    verifiedAt: Time.nullable(),
    provenAt: Time.nullable(),
    hold: z.object({ by: z.string(), at: Time, reason: z.string() }).nullable(),
    note: z.string().nullable(),
    error: Failure.nullable(),
  })
  .meta({ id: "Backup" });

export const RunDocument = z
  .object({
    id: z.string(),
    kind: z.string().describe("backup, verify, restore, drill …"),
    state: z.enum(["queued", "waiting", "running", "succeeded", "failed", "interrupted", "cancelled"]),
    serverId: z.string().nullable(),
    backupId: z.string().nullable(),
    repositoryId: z.string().nullable(),
    waitingReason: z.string().nullable(),
    phase: z.string().nullable(),
    doneBytes: Size.nullable(),
    totalBytes: Size.nullable(),
    etaLowMs: z.number().nullable(),
    etaHighMs: z.number().nullable(),
    requestedBy: z.string(),
    createdAt: Time,
    startedAt: Time.nullable(),
    finishedAt: Time.nullable(),
    cancelRequestedAt: Time.nullable(),
    cancelEffect: z.string().nullable(),
    lastSeq: z.number().int(),
    error: Failure.nullable(),
    result: z
      .unknown()
      .describe(
        "Kind-specific; null before its end. Of `inspect` its checks, of `server-act` what came of the act, by its kind; read-only access sees nothing of settings and files.",
      ),
  })
  .meta({ id: "Run" });

export const RunEventDocument = z
  .object({
    seq: z.number().int(),
    at: Time,
    level: z.enum(["debug", "info", "warn", "error"]),
    phase: z.string().nullable(),
    message: z.string(),
    doneBytes: Size.nullable(),
    totalBytes: Size.nullable(),
    runState: z.string(),
  })
  .meta({ id: "RunEvent" });

export const FindingDocument = z
  .object({
    id: z.string(),
    checkId: z.string().describe("The check's stable name."),
    serverId: z.string().nullable(),
    repositoryId: z.string().nullable(),
    severity: z.enum(["blocks-backup", "blocks-wal", "risk", "note"]),
    title: z.string(),
    found: z.string(),
    read: z.string().nullable().describe("The setting, view or function; null when decided from our own rows."),
    required: z.string().nullable(),
    why: z.string(),
    remedy: ServerCheckResult.shape.remedy,
    recheckable: z.boolean().describe("Whether an inspection with this checkId looks at it alone."),
    firstSeenAt: Time,
    lastSeenAt: Time,
    resolvedAt: Time.nullable(),
  })
  .meta({ id: "Finding" });

export const OfflinePeriodDocument = z
  .object({
    id: z.string(),
    since: Time,
    by: z.string(),
    reason: z.string(),
    endedAt: Time.nullable().describe("Null: it is offline now."),
    endedBy: z.string().nullable(),
    missed: z.array(z.object({ kind: z.enum(scheduleKinds), dueAt: Time })).describe("The newest 100 at most."),
    missedCount: z.number().int(),
  })
  .meta({ id: "OfflinePeriod" });

export const DeletePlanDocument = z
  .object({
    planHash: z.string(),
    backupId: z.string(),
    sentence: z.string(),
    consequences: z.array(z.string()),
    freedBytesAtLeast: Size.nullable(),
    allowed: z.boolean(),
  })
  .meta({ id: "DeletePlan" });

export const RecoveryKitDocument = z.string().describe("The recovery kit: keep it away from this machine.");

/** A page of a list; the next one is behind `nextCursor` and in the Link header. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({
    items: z.array(item),
    nextCursor: z.string().nullable(),
    totalCount: z.number().int(),
  });
}
