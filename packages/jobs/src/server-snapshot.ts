import { z } from "zod";
import { Bytes, Instant, LsnText } from "./result-parts.ts";
import { PrivilegesResult } from "./server-checks.ts";

/** What a server last told of itself. A null section could not be read; `unreadable` says why. */
export const ServerSnapshotDocument = z.object({
  observedAt: Instant,
  info: z.object({
    versionText: z.string(),
    versionNum: z.number(),
    major: z.number(),
    inRecovery: z.boolean(),
    systemIdentifier: z.string().nullable(),
    valid: z.boolean(),
    invalidReasons: z.array(z.string()),
    dataChecksums: z.boolean(),
    walLevel: z.string(),
    walSegmentSizeBytes: z.number(),
    blockSizeBytes: z.number(),
    walBlockSizeBytes: z.number(),
    relationSegmentSizeBytes: z.number(),
    /** Null before 17. */
    summarizeWal: z.boolean().nullable(),
    trackCommitTimestamp: z.boolean(),
    /** Null where it cannot be asked. */
    fips: z.boolean().nullable(),
    dataDirectory: z.string().nullable(),
    archiveTimeoutSeconds: z.number(),
    checkpointTimeoutSeconds: z.number(),
    /** log_timezone; null: seen by a worker that did not ask yet. */
    timeZone: z.string().nullable().default(null),
    startedAt: Instant,
    configurationLoadedAt: Instant,
    /** Server's clock less the worker's, halfway through the question. */
    clockDifferenceMs: z.number(),
    maxWalSenders: z.number(),
    usedWalSenders: z.number(),
    maxReplicationSlots: z.number(),
    usedReplicationSlots: z.number(),
  }),
  extensions: z.array(z.object({ name: z.string(), version: z.string(), comment: z.string().nullable() })),
  tablespaces: z.array(
    z.object({ oid: z.number(), name: z.string(), path: z.string(), insideDataDirectory: z.boolean().nullable() }),
  ),
  configurationFiles: z
    .array(
      z.object({
        purpose: z.enum(["config", "hba", "ident", "include"]),
        path: z.string(),
        insideDataDirectory: z.boolean().nullable(),
      }),
    )
    .nullable(),
  wal: z
    .object({
      lsn: LsnText,
      /** Null on a standby: a replayed position has no name there. */
      fileName: z.string().nullable(),
      fileOffset: z.number().nullable(),
      timeline: z.number().nullable(),
      at: Instant,
    })
    .nullable(),
  /** Null on a primary. */
  recovery: z
    .object({
      receivedLsn: LsnText.nullable(),
      replayedLsn: LsnText.nullable(),
      replayedAt: Instant.nullable(),
      isPaused: z.boolean(),
      receiverStatus: z.string().nullable(),
      senderHost: z.string().nullable(),
      senderPort: z.number().nullable(),
      slotName: z.string().nullable(),
      minRecoveryLsn: LsnText.nullable(),
      minRecoveryTimeline: z.number().nullable(),
    })
    .nullable(),
  archiver: z
    .object({
      mode: z.enum(["off", "on", "always"]),
      command: z.string().nullable(),
      library: z.string().nullable(),
      isArchiving: z.boolean(),
      archivedCount: z.string(),
      lastArchivedWal: z.string().nullable(),
      lastArchivedAt: Instant.nullable(),
      failedCount: z.string(),
      lastFailedWal: z.string().nullable(),
      lastFailedAt: Instant.nullable(),
      segmentsPerSecond: z.number().nullable(),
      statsResetAt: Instant.nullable(),
    })
    .nullable(),
  slots: z
    .array(
      z.object({
        name: z.string(),
        kind: z.enum(["physical", "logical"]),
        database: z.string().nullable(),
        temporary: z.boolean(),
        active: z.boolean(),
        activePid: z.number().nullable(),
        restartLsn: LsnText.nullable(),
        confirmedFlushLsn: LsnText.nullable(),
        retainedBytes: Bytes.nullable(),
        walStatus: z.string().nullable(),
        safeWalSizeBytes: Bytes.nullable(),
        inactiveSince: Instant.nullable(),
        invalidationReason: z.string().nullable(),
        /** Ours, by name. */
        own: z.boolean(),
      }),
    )
    .nullable(),
  replication: z
    .array(
      z.object({
        pid: z.number(),
        kind: z.enum(["standby", "wal-receiver", "base-backup", "logical", "unknown"]),
        user: z.string().nullable(),
        applicationName: z.string().nullable(),
        clientAddress: z.string().nullable(),
        startedAt: Instant.nullable(),
        state: z.string().nullable(),
        sentLsn: LsnText.nullable(),
        writeLsn: LsnText.nullable(),
        flushLsn: LsnText.nullable(),
        replayLsn: LsnText.nullable(),
        lagBytes: Bytes.nullable(),
        syncState: z.string().nullable(),
        syncPriority: z.number().nullable(),
        slotName: z.string().nullable(),
      }),
    )
    .nullable(),
  synchronousStandbys: z.object({
    text: z.string(),
    method: z.enum(["none", "priority", "quorum"]),
    count: z.number(),
    names: z.array(z.string()),
  }),
  privileges: PrivilegesResult,
  unreadable: z.array(z.object({ section: z.string(), code: z.string(), message: z.string() })),
});

export type ServerSnapshotDocument = z.infer<typeof ServerSnapshotDocument>;
