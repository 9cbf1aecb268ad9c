import { z } from "zod";
import { RecoveryTargetJson } from "./recovery-target.ts";

/** To where a drill or a clone recovers; `behind`: so long before the last commit that is archived. */
export const TrialTargetJson = z.discriminatedUnion("kind", [
  ...RecoveryTargetJson.options,
  z.object({ kind: z.literal("behind"), seconds: z.number().int().min(0).max(31_536_000) }),
]);
export type TrialTargetJson = z.infer<typeof TrialTargetJson>;

export const TimelineChoice = z.union([z.number().int().min(1).max(0xffff_ffff), z.enum(["latest", "current"])]);

/** A number of bytes as a decimal string, above zero. */
export const ByteLimit = z.string().regex(/^[1-9]\d{0,18}$/);

/** What a drill shall find; part of a policy and of a single request. */
export const DrillExpectationsJson = z.object({
  rows: z
    .array(
      z.object({
        database: z.string().min(1).max(63),
        table: z.string().min(1).max(200),
        rows: z.number().int().min(0),
        tolerancePercent: z.number().min(0).max(100).default(0),
      }),
    )
    .max(100)
    .default([]),
  sql: z
    .array(
      z.object({
        name: z.string().min(1).max(100),
        database: z.string().min(1).max(63),
        sql: z.string().min(1).max(20_000),
        /** The rows it must give, each value as text. */
        expected: z.array(z.array(z.string().nullable()).max(100)).max(1_000),
        timeoutMs: z.number().int().min(100).max(3_600_000).default(60_000),
      }),
    )
    .max(100)
    .default([]),
  /** How far a table's count may be from the server's own estimate, in per cent; null: not compared. */
  estimateTolerancePercent: z.number().min(0).max(1_000).nullable().default(null),
});
export type DrillExpectationsJson = z.infer<typeof DrillExpectationsJson>;

/** How servers are drilled: what a policy says and a single request may overrule. */
export const DrillSettingsJson = z.object({
  /** Null: the end of the archived WAL when there is any, else the end of the backup. */
  target: TrialTargetJson.nullable().default(null),
  timeline: TimelineChoice.default("latest"),
  expectations: DrillExpectationsJson.default({ rows: [], sql: [], estimateTolerancePercent: null }),
  /** A copy that needs more is not made; null: no limit but the worker's and the disk's. */
  maxBytes: ByteLimit.nullable().default(null),
  /** For all checks together. */
  checkSeconds: z.number().int().min(1).max(86_400).default(600),
  /** For the replay of WAL. */
  replaySeconds: z.number().int().min(1).max(604_800).default(21_600),
});
export type DrillSettingsJson = z.infer<typeof DrillSettingsJson>;

/** What a server's row keeps of how it is drilled; null: the usual. Throws a ZodError for what no version of ours wrote. */
export function storedDrillSettings(stored: unknown): DrillSettingsJson {
  return DrillSettingsJson.parse(stored ?? {});
}

const CloneName = z.string().min(1).max(63);

/** A copy that is kept for a while; the row is made by whoever asks. */
export const CloneRequest = z.object({
  serverId: z.string(),
  cloneId: z.string(),
  backupId: z.string().nullable(),
  target: TrialTargetJson.nullable().default(null),
  timeline: TimelineChoice.default("latest"),
  /** `pause`: read-only at the target, and may be moved on; `promote`: takes writes. */
  action: z.enum(["pause", "promote"]).default("pause"),
  maxBytes: ByteLimit.nullable().default(null),
});

export const CloneAct = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("move"), target: RecoveryTargetJson, timeline: TimelineChoice.default("current") }),
  z.object({ kind: z.literal("promote") }),
  z.object({ kind: z.literal("end") }),
  z.object({
    kind: z.literal("extract"),
    database: CloneName,
    schema: CloneName,
    table: CloneName,
    format: z.enum(["csv", "sql"]),
  }),
  /** Gives the connection string, sealed for `recipient`, a public key whose private half only the asker has. */
  z.object({ kind: z.literal("connection"), recipient: z.string().max(500) }),
]);
export type CloneAct = z.infer<typeof CloneAct>;
