import { builder } from "../builder.ts";
import { RecoveryActionEnum, RestoredWalEnum } from "../enums.ts";
import { keyText } from "./idempotency-key.ts";
import { recoveryTargetFields } from "./recovery-target-fields.ts";

/** What the mutations that restore are asked; the use cases, which REST shares, check values and limits. */

const TablespaceMappingInput = builder.inputType("TablespaceMappingInput", {
  description: "Where a tablespace goes.",
  fields: (t) => ({
    from: t.string({ required: true, description: "Where it was on the server." }),
    to: t.string({ required: true, description: "Where it will be." }),
  }),
});

export const RecoveryTargetInputRef = builder.inputType("RecoveryTargetInput", {
  description: "To where to restore. Which field is needed depends on the kind.",
  fields: (t) => ({
    ...recoveryTargetFields(t),
    lsn: t.string({
      description:
        'For LSN: as "16/B374D848". For XID, where it is known with its timeline: the end of its commit record.',
    }),
    backupId: t.id({ description: "From this backup; chosen when left out." }),
    action: t.field({ type: RecoveryActionEnum, description: "What to do there; PROMOTE when left out." }),
    standby: t.boolean({ description: "Go on as a standby." }),
  }),
});

export const RestoreRecoveryInputRef = builder.inputType("RestoreRecoveryInput", {
  description:
    "To where a restored server recovers, and how it gets the WAL for it. Which field is needed depends on the kind.",
  fields: (t) => ({
    ...recoveryTargetFields(t),
    action: t.field({ type: RecoveryActionEnum, description: "What to do there; PROMOTE when left out." }),
    standby: t.boolean({ description: "Go on as a standby." }),
    wal: t.field({ type: RestoredWalEnum, description: "How the WAL comes to it; COPY when left out." }),
    fetchConfig: t.string({
      description: "With FETCH: the file of `tidemark server host-config` on the restored server's host.",
    }),
  }),
});

export const PlanRestoreInput = builder.inputType("PlanRestoreInput", {
  description: "A restore to plan.",
  fields: (t) => ({
    serverId: t.id({ required: true, description: "Of which server." }),
    backupId: t.id({ description: "The newest restorable one when left out." }),
    targetDirectory: t.string({
      required: true,
      description: "An empty directory on the worker's machine; with `delta` the data directory to rewrite.",
    }),
    tablespaces: t.field({ type: [TablespaceMappingInput], description: "Where tablespaces go." }),
    owner: t.string({ description: "Who owns the result when the worker runs as root." }),
    delta: t.boolean({
      description:
        "Rewrite what differs in the data directory of a stopped server of the same cluster, and remove what the backup does not have. False when left out.",
    }),
    databases: t.stringList({
      description: "Only these databases whole; the others' files are left empty. All of them when left out.",
    }),
    recovery: t.field({
      type: RestoreRecoveryInputRef,
      description: "To a point in time; to the end of the backup, without WAL from the archive, when left out.",
    }),
    adopt: t.boolean({
      description:
        "The restored server takes its source's place: it archives and receives subscriptions as the source did. False when left out.",
    }),
    idempotencyKey: t.string({ description: keyText }),
  }),
});

export const RunRestoreInput = builder.inputType("RunRestoreInput", {
  description: "A plan to execute.",
  fields: (t) => ({
    planRunId: t.id({ required: true, description: "The plan run that succeeded." }),
    planHash: t.string({ required: true, description: "Of its plan." }),
    idempotencyKey: t.string({ description: keyText }),
  }),
});
