import { z } from "zod";
import { RecoveryTargetJson } from "./recovery-target.ts";
import { Bytes, Failure, Instant, LsnText, Remedy } from "./result-parts.ts";
import { PrivilegesResult, ServerCheckResult } from "./server-checks.ts";

/** What a finished run leaves in its row's `result` column: written by the worker, read by the api. Sizes are decimal strings. */

export const ConnectionReportResult = z.object({
  ok: z.boolean(),
  steps: z.array(
    z.object({
      step: z.string(),
      title: z.string(),
      state: z.enum(["ok", "warning", "failed", "skipped"]),
      durationMs: z.number().nullable(),
      detail: z.string().nullable(),
      error: Failure.nullable(),
      remedy: Remedy.nullable(),
    }),
  ),
  facts: z
    .object({
      systemIdentifier: z.string(),
      serverVersion: z.string(),
      majorVersion: z.number(),
      inRecovery: z.boolean(),
      walLevel: z.string(),
      checksums: z.boolean().nullable(),
      sizeBytes: Bytes.nullable(),
    })
    .nullable(),
  /** A registered server with the same system identifier; `asMember` when this one is its standby. */
  duplicateOf: z.object({ serverId: z.string(), asMember: z.boolean() }).nullable(),
  /** The server row made or changed by an `add-server` or `update-server` intent. */
  serverId: z.string().nullable(),
  /** The readiness checks, as far as the login got; empty before it. */
  checks: z.array(ServerCheckResult).default([]),
  privileges: PrivilegesResult.nullable().default(null),
});

const Check = z.object({ id: z.string(), state: z.enum(["ok", "warning", "failed", "skipped"]), sentence: z.string() });

export const RestorePlanResult = z.object({
  planHash: z.string(),
  ok: z.boolean(),
  backupId: z.string(),
  targetDirectory: z.string(),
  tablespaces: z.array(z.object({ oid: z.number(), from: z.string(), to: z.string() })),
  owner: z.string().nullable(),
  fileCount: z.number(),
  bytesToWrite: Bytes,
  bytesToRead: Bytes,
  checks: z.array(Check),
  sentence: z.string(),
  /** What a delta restore does to what is there; null: it is none. */
  delta: z
    .object({
      comparedFiles: z.number(),
      comparedBytes: Bytes,
      newFiles: z.number(),
      removedCount: z.number(),
      removedBytes: Bytes,
      /** The first thousand. */
      removed: z.array(z.string()),
    })
    .nullable()
    .default(null),
  /** How it recovers to the target; null: there is none, or it cannot be reached. */
  recovery: z
    .object({
      timeline: z.number(),
      /** The end of the WAL that is needed: LSN as text, the commit before it as ISO 8601. */
      throughLsn: z.string(),
      throughAt: z.string().nullable(),
      segments: z.number(),
      storedBytes: Bytes,
      plainBytes: Bytes,
      sentence: z.string(),
      notes: z.array(z.string()),
    })
    .nullable()
    .default(null),
  /** Milliseconds from and to, reckoned from sizes, and how; null in plans of an older Tidemark. */
  estimate: z.object({ lowMs: z.number(), highMs: z.number(), how: z.string() }).nullable().default(null),
  /** Null: all databases whole. */
  databases: z
    .object({ restored: z.array(z.string()), emptied: z.array(z.string()) })
    .nullable()
    .default(null),
});

/** How much of a backup is known to be sound, and since when: the oldest result that counts, ISO 8601. */
export const VerifyCoverageResult = z.object({
  storedShare: z.number(),
  wholeShare: z.number(),
  storedSince: z.string().nullable(),
  wholeSince: z.string().nullable(),
});

/** What a verification of everything found of archived WAL; what is verified of it by then stands beside. */
export const VerifyWalResult = z.object({
  /** Whole segments, and what else is in the archive: segments in the making, histories. */
  checkedSegments: z.number(),
  checkedFiles: z.number(),
  checkedBytes: Bytes,
  problemCount: z.number(),
  coverage: z
    .object({
      segments: z.number(),
      verifiedSegments: z.number(),
      storedBytes: Bytes,
      verifiedBytes: Bytes,
      damagedSegments: z.number(),
      since: z.string().nullable(),
    })
    .nullable(),
});

export const VerifyResult = z.object({
  /** Of the server or of the repository's copies: how many backups were looked at. */
  checkedBackups: z.number().default(1),
  ok: z.boolean(),
  checkedBytes: Bytes,
  checkedFiles: z.number(),
  /** Sentences that name file and block. */
  problems: z.array(z.string()),
  tier: z.enum(["metadata", "stored", "whole"]).default("whole"),
  subset: z.object({ part: z.number(), of: z.number() }).nullable().default(null),
  checkedPacks: z.number().nullable().default(null),
  /** Ids of all backups that are hit, and what mends it. */
  hitBackupIds: z.array(z.string()).default([]),
  healing: z.array(z.string()).default([]),
  /** What is verified of this backup by now; shares from 0 to 1. */
  coverage: VerifyCoverageResult.nullable().default(null),
  /** Null: one backup was verified, whose own WAL is part of it; an older Tidemark, or no WAL is archived. */
  wal: VerifyWalResult.nullable().default(null),
});

/** The evidence of a drill. What older versions did not keep is null. */
export const DrillResult = z.object({
  outcome: z.enum(["proven", "failed", "not-possible", "unreachable"]),
  reason: z.string().nullable(),
  /** From the first byte fetched to a server at its target that takes writes. */
  rtoMs: z.number().nullable(),
  /** `fetch`, then `start` and `replay`, or `start-and-recover` without WAL of the archive, then `check`. */
  phases: z.array(z.object({ name: z.string(), durationMs: z.number() })),
  checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string() })),
  backupId: z.string().nullable().default(null),
  /** What was restored. */
  restored: z
    .object({
      serverName: z.string(),
      systemIdentifier: z.string(),
      sourceVersion: z.number(),
      /** When the backup was complete. */
      stoppedAt: Instant,
      bytes: Bytes,
    })
    .nullable()
    .default(null),
  /** To where; null: to the end of the backup, without WAL of the archive. */
  recovery: z
    .object({
      /** What PostgreSQL was asked for. */
      target: RecoveryTargetJson,
      timeline: z.number(),
      sentence: z.string(),
      reachedLsn: LsnText.nullable(),
      /** Time of the last commit that was applied. */
      reachedAt: Instant.nullable(),
      segments: z.number(),
      waitedMs: z.number(),
    })
    .nullable()
    .default(null),
  /** The PostgreSQL that was started. */
  postgresVersion: z.string().nullable().default(null),
  tidemarkVersion: z.string().nullable().default(null),
  hostname: z.string().nullable().default(null),
  startedAt: Instant.nullable().default(null),
  finishedAt: Instant.nullable().default(null),
  /** The end of its log, of a drill that was not proven. */
  log: z.string().nullable().default(null),
});

/** A clone as it stands. */
export const CloneResult = z.object({
  cloneId: z.string(),
  backupId: z.string(),
  hostname: z.string(),
  path: z.string(),
  /** Where it takes connections. */
  host: z.string(),
  port: z.number(),
  userName: z.string(),
  promoted: z.boolean(),
  /** To where it was to recover, in words; null: to the end of the backup. */
  sentence: z.string().nullable(),
  reachedLsn: LsnText.nullable(),
  reachedAt: Instant.nullable(),
  sizeBytes: Bytes,
});
export const CloneActResult = z.object({
  kind: z.enum(["move", "promote", "end", "extract", "connection"]),
  /** Null when it has ended. */
  clone: CloneResult.nullable(),
  /** A file on the clone's machine. */
  extract: z.object({ path: z.string(), rows: z.number(), characters: z.number() }).nullable().default(null),
  sealedConnection: z.string().nullable().default(null),
});

export const RestoreResult = z.object({
  targetDirectory: z.string(),
  fileCount: z.number(),
  writtenBytes: Bytes,
  nextSteps: z.array(z.string()),
  /** What is not as one might think, as sentences. */
  findings: z.array(z.string()).default([]),
});
export const RetentionResult = z.object({
  kept: z.number(),
  deleted: z.array(z.string()),
  removedPacks: z.number(),
  /** In the first repository; zero in results from before WAL was kept. */
  removedWalSegments: z.number().default(0),
  freedBytes: Bytes,
});
export const BackupResult = z.object({
  backupId: z.string(),
  readBytes: Bytes,
  storedBytes: Bytes,
  referencedBytes: Bytes,
  notes: z.array(z.string()),
  /** How much of the server was read; null: not known. The backup is a full one either way. */
  reading: z.enum(["full", "incremental"]).nullable().default(null),
  /** Why everything was read; null: there was nothing to build on, or not everything was read. */
  fullBecause: z.string().nullable().default(null),
});
export const CopyResult = z.object({
  copied: z.array(z.string()),
  /** Sentences: which backup could not be copied, and why. */
  failed: z.array(z.string()),
  copiedPacks: z.number(),
  copiedBytes: Bytes,
  /** Zero in results from before WAL was copied. */
  copiedWalSegments: z.number().default(0),
  replacedPacks: z.array(z.string()),
  copiedMarks: z.number(),
  /** Packs of the first repository that were brought back from the second. */
  healedPacks: z.array(z.string()).default([]),
});
export const RebuildCatalogResult = z.object({
  /** Servers that had no row and have one now. */
  addedServers: z.array(z.object({ serverId: z.string(), name: z.string() })),
  /** Backups of all its servers that can be restored. */
  backups: z.number(),
  /** What could not be taken over, as sentences. */
  notes: z.array(z.string()),
});
const KeySlotResult = z.object({
  slot: z.string(),
  kind: z.enum(["key-file", "passphrase", "age"]),
  ownerId: z.string(),
  label: z.string().nullable(),
  recipient: z.string().nullable(),
  /** The server whose WAL is all that it opens; null: it opens everything. */
  walOf: z.string().nullable().default(null),
  /** The same for people, with the server's name: "everything" or "WAL of orders". */
  opens: z.string().default("everything"),
  keyId: z.string(),
  keyCreatedAt: z.string(),
  createdAt: z.string(),
  current: z.boolean(),
  opened: z.boolean(),
});
/** The keys after the act, and, where it was only planned, what it would do. */
export const RepositoryKeysResult = z.object({
  slots: z.array(KeySlotResult),
  notes: z.array(z.string()),
  plan: z
    .object({
      planHash: z.string(),
      sentences: z.array(z.string()),
      /** Why it would be refused; empty: it would not. */
      refusals: z.array(z.string()),
    })
    .nullable(),
  added: z.array(z.string()),
  removed: z.array(z.string()),
});
export const RecoveryKitResult = z.object({ sealedKit: z.string(), fileName: z.string() });

export type ConnectionReportResult = z.infer<typeof ConnectionReportResult>;
export type RestorePlanResult = z.infer<typeof RestorePlanResult>;
export type VerifyResult = z.infer<typeof VerifyResult>;
export type DrillResult = z.infer<typeof DrillResult>;
export type CloneResult = z.infer<typeof CloneResult>;
export type CloneActResult = z.infer<typeof CloneActResult>;
export type RestoreResult = z.infer<typeof RestoreResult>;
export type RetentionResult = z.infer<typeof RetentionResult>;
export type CopyResult = z.infer<typeof CopyResult>;
export type RebuildCatalogResult = z.infer<typeof RebuildCatalogResult>;
export type BackupResult = z.infer<typeof BackupResult>;
export type RepositoryKeysResult = z.infer<typeof RepositoryKeysResult>;
export type RecoveryKitResult = z.infer<typeof RecoveryKitResult>;
