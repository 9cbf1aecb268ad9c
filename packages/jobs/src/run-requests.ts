import { z } from "zod";
import { FindMomentRequest } from "./find-moment.ts";
import { RestoreRecoveryJson } from "./recovery-target.ts";
import { ServerAct } from "./server-acts.ts";
import { CloneAct, CloneRequest, DrillSettingsJson } from "./trial-requests.ts";

/**
 * What a run is asked to do: the `request` column of its row, written by whoever creates the run (api, scheduler) and
 * parsed again by the worker. Ids and plain facts only; a DSN or key appears sealed with the workers' public key.
 */

/** Base64 of a sealed box (kit `seal`); only a worker can open it. */
export const SealedText = z.string().min(1).max(100_000);

/** Runs asked for before there were rules by period have none. */
const Periods = z.number().int().min(1).max(10_000).nullable().default(null);

const Retention = z.object({
  keepLast: z.number().int().min(1).max(10_000).nullable(),
  windowDays: z.number().int().min(1).max(36_500).nullable(),
  daily: Periods,
  weekly: Periods,
  monthly: Periods,
  yearly: Periods,
  timeZone: z.string().default("UTC"),
  minimum: z.number().int().min(1).max(1_000),
});

const PolicyTargets = z.object({
  rpoTargetSeconds: z.number().int().nullable(),
  rtoTargetSeconds: z.number().int().nullable(),
  proofDays: z.number().int().nullable(),
  verifyDays: z.number().int().nullable(),
});

const ScheduleRequest = z.object({
  kind: z.enum(["backup", "verify", "retention", "drill"]),
  cron: z.string(),
  zone: z.string(),
});

/** How a server's WAL comes to us: a receiver of ours streams it, its own archiver pushes it, or not at all. */
export const WalMode = z.enum(["stream", "push", "none"]);

/** As PostgreSQL takes it (slot.c, ReplicationSlotValidateName), and so that we know it for ours. */
export const WalSlotName = z
  .string()
  .regex(/^tidemark(_[a-z0-9_]{1,54})?$/, "must be tidemark or begin with tidemark_");

/** What becomes of a connection test that succeeds. */
const ConnectionIntent = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("test") }),
  z.object({
    kind: z.literal("add-server"),
    name: z.string(),
    repositoryId: z.string(),
    policyId: z.string().nullable(),
    /** Makes a policy of the server's own when no policyId is given. */
    retention: Retention.nullable(),
    /** What that policy promises beside; left out or null: nothing by name. */
    targets: PolicyTargets.nullable().optional(),
    schedules: z.array(ScheduleRequest),
    sameSystemAs: z.enum(["member", "copy"]).nullable(),
    firstBackup: z.boolean(),
    isDemo: z.boolean(),
    /** Asked for before WAL could be received: none. */
    walMode: WalMode.optional(),
    /** The physical slot to stream from; null: one named for the server. */
    walSlot: WalSlotName.nullable().optional(),
    synchronous: z.boolean().optional(),
  }),
  z.object({ kind: z.literal("update-server"), serverId: z.string() }),
]);

/**
 * How a backup's files come: `stream` is BASE_BACKUP over the replication protocol; `read-files` is the low-level API
 * with pg_read_binary_file; `local-files` the low-level API with files read where worker and server share them.
 */
export const BackupMethod = z.enum(["stream", "read-files", "local-files"]);

/** What is done with the keys of a repository. A removal and a rotation without `planHash` only plan. */
export const KeyAct = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("list") }),
  z.object({
    kind: z.literal("add"),
    label: z.string().max(200).nullable(),
    /** Either a recipient, or a key: a passphrase or the text of a key file. */
    recipient: z.string().max(200).nullable(),
    sealedKey: SealedText.nullable(),
    keyKind: z.enum(["passphrase", "key-file"]).nullable(),
    /** A server whose WAL is all that a key file shall open; left out or null: everything. */
    walOf: z.string().nullable().optional(),
  }),
  /** The same data keys for another key of the same person: a new passphrase, key file or recipient instead of the old. */
  z.object({
    kind: z.literal("rewrap"),
    sealedOldKey: SealedText,
    recipient: z.string().max(200).nullable(),
    sealedKey: SealedText.nullable(),
    keyKind: z.enum(["passphrase", "key-file"]).nullable(),
  }),
  z.object({ kind: z.literal("remove"), ownerId: z.string().max(32), planHash: z.string().nullable() }),
  z.object({ kind: z.literal("rotate"), planHash: z.string().nullable(), sealedKeys: z.array(SealedText).max(20) }),
]);

export const runRequests = {
  "connection-test": z.object({
    serverId: z.string().nullable(),
    sealedDsn: SealedText.nullable(),
    intent: ConnectionIntent,
  }),
  backup: z.object({
    serverId: z.string(),
    backupId: z.string(),
    checkpoint: z.enum(["fast", "spread"]),
    maxRateKib: z.number().int().min(32).max(1_048_576).nullable(),
    label: z.string().max(200).nullable(),
    /** A drill of this backup follows when it succeeds (first backup of a server). */
    drillAfter: z.boolean(),
    method: BackupMethod.default("stream"),
    /** How many sessions read files side by side; for `read-files`. */
    readers: z.number().int().min(1).max(16).default(4),
    /** The member (standby) to take it from; null: the server itself. */
    memberName: z.string().nullable().default(null),
    /** `full`: everything is read, also where what changed would do. */
    reading: z.enum(["auto", "full"]).default("auto"),
  }),
  verify: z.object({
    serverId: z.string(),
    /** Null: every backup of the server, each pack once. */
    backupId: z.string().nullable(),
    /** Which repository's area of the server; null: its own. */
    repositoryId: z.string().nullable().default(null),
    tier: z.enum(["metadata", "stored", "whole"]).default("whole"),
    /** Null: every pack. */
    subset: z
      .object({ part: z.number().int().min(1), of: z.number().int().min(1) })
      .nullable()
      .default(null),
  }),
  "restore-plan": z.object({
    serverId: z.string(),
    backupId: z.string().nullable(),
    targetDirectory: z.string(),
    tablespaces: z.array(z.object({ from: z.string(), to: z.string() })),
    owner: z.string().nullable(),
    /** Rewrite what differs of what is there. */
    delta: z.boolean().default(false),
    /** Names of the databases to restore whole; null: all. */
    databases: z.array(z.string()).nullable().default(null),
    /** To a point in time; null: to the end of the backup, without WAL from the archive. */
    recovery: RestoreRecoveryJson.nullable().default(null),
    /** The restored server takes its source's place. */
    adopt: z.boolean().default(false),
  }),
  restore: z.object({ serverId: z.string(), planRunId: z.string(), planHash: z.string() }),
  retention: z.object({
    serverId: z.string(),
    /** Of the plan that was shown; null when a schedule asks, which plans and executes by itself. */
    planHash: z.string().nullable(),
  }),
  "delete-backup": z.object({ serverId: z.string(), backupId: z.string(), planHash: z.string() }),
  clone: CloneRequest,
  "clone-act": z.object({ serverId: z.string(), cloneId: z.string(), act: CloneAct }),
  "find-moment": FindMomentRequest,
  drill: DrillSettingsJson.extend({
    serverId: z.string(),
    backupId: z.string().nullable(),
    /** The server's settings or its recovery window name the target: not to get there is a failure, no slip of a person's. */
    promised: z.boolean().default(true),
  }),
  /** A hold, release or note, written into the repository; the row only mirrors it. */
  mark: z.object({
    serverId: z.string(),
    backupId: z.string(),
    kind: z.enum(["hold", "release", "note"]),
    text: z.string().max(10_000),
    by: z.string(),
  }),
  "attach-repository": z.object({
    repositoryId: z.string(),
    url: z.string(),
    /** Makes a new repository with this choice when none is there. */
    encrypted: z.boolean(),
    /** Key of a repository that already exists there, or null. */
    sealedKey: SealedText.nullable(),
  }),
  /** Result is the kit sealed for `recipient`, a public key whose private half only the asker has. */
  "recovery-kit": z.object({
    repositoryId: z.string(),
    recipient: z.string(),
    /** A text, or a page for paper. */
    form: z.enum(["text", "page"]).default("text"),
  }),
  "repository-keys": z.object({ repositoryId: z.string(), act: KeyAct }),
  collect: z.object({ serverId: z.string() }),
  /** Reads everything a server tells of itself and runs its checks; the snapshot and the findings are brought up to date. */
  inspect: z.object({
    serverId: z.string(),
    /** Only these checks ("re-check this one"); null: all, and a whole snapshot. */
    checkIds: z.array(z.string()).min(1).nullable(),
  }),
  "server-act": z.object({ serverId: z.string(), act: ServerAct }),
  /** Brings backups to the server's second repository: one, or all that are usable and not there yet. */
  copy: z.object({
    serverId: z.string(),
    backupId: z.string().nullable(),
    /** First bring back from there what is damaged or missing here, and anew what was found damaged there. */
    heal: z.boolean().default(false),
  }),
  /** Makes rows of the servers, backups and holds a repository holds, from its bytes alone. */
  "rebuild-catalog": z.object({ repositoryId: z.string() }),
} as const;

export type RunKind = keyof typeof runRequests;
export type RunRequest<K extends RunKind = RunKind> = z.infer<(typeof runRequests)[K]>;
/** The same as one may write it: what has a default may be left out. */
export type RunRequestInput<K extends RunKind = RunKind> = z.input<(typeof runRequests)[K]>;
export const runKinds = Object.keys(runRequests) as readonly RunKind[];

/** Parses a row's request; throws a ZodError for one that no version of ours wrote. */
export function parseRunRequest<K extends RunKind>(kind: K, request: unknown): RunRequest<K> {
  return runRequests[kind].parse(request) as RunRequest<K>;
}
