import { z } from "zod";
import { Bytes, Failure, Remedy } from "./result-parts.ts";
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
});

export const VerifyResult = z.object({
  ok: z.boolean(),
  checkedBytes: Bytes,
  checkedFiles: z.number(),
  /** Sentences that name file and block. */
  problems: z.array(z.string()),
});

export const DrillResult = z.object({
  outcome: z.enum(["proven", "failed", "not-possible"]),
  reason: z.string().nullable(),
  rtoMs: z.number().nullable(),
  phases: z.array(z.object({ name: z.string(), durationMs: z.number() })),
  checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string() })),
});

export const RestoreResult = z.object({
  targetDirectory: z.string(),
  fileCount: z.number(),
  writtenBytes: Bytes,
  nextSteps: z.array(z.string()),
});
export const RetentionResult = z.object({
  kept: z.number(),
  deleted: z.array(z.string()),
  removedPacks: z.number(),
  freedBytes: Bytes,
});
export const BackupResult = z.object({
  backupId: z.string(),
  readBytes: Bytes,
  storedBytes: Bytes,
  referencedBytes: Bytes,
  notes: z.array(z.string()),
});
export const RecoveryKitResult = z.object({ sealedKit: z.string(), fileName: z.string() });

export type ConnectionReportResult = z.infer<typeof ConnectionReportResult>;
export type RestorePlanResult = z.infer<typeof RestorePlanResult>;
export type VerifyResult = z.infer<typeof VerifyResult>;
export type DrillResult = z.infer<typeof DrillResult>;
export type RestoreResult = z.infer<typeof RestoreResult>;
export type RetentionResult = z.infer<typeof RetentionResult>;
export type BackupResult = z.infer<typeof BackupResult>;
export type RecoveryKitResult = z.infer<typeof RecoveryKitResult>;
