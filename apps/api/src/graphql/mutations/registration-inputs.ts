import { builder } from "../builder.ts";
import { BackupMethodEnum, SameSystemChoiceEnum, WalModeEnum } from "../enums.ts";
import { DrillSettingsInput } from "./drill-inputs.ts";
import { keyText } from "./idempotency-key.ts";
import { PolicyTargetsInputRef, RetentionInputRef } from "./policy-inputs.ts";

/** What the mutations that register servers are asked; the use cases, which REST shares, check values and limits. */

export const TestConnectionInput = builder.inputType("TestConnectionInput", {
  description: "Give either a server or a connection string.",
  fields: (t) => ({
    serverId: t.id({ description: "Tests what is stored for it." }),
    dsn: t.string({ description: "Tests this text; it is sealed at once and not kept." }),
    idempotencyKey: t.string({ description: keyText }),
  }),
});

export const AddServerInput = builder.inputType("AddServerInput", {
  description: "A server to register.",
  fields: (t) => ({
    name: t.string({ required: true, description: "1 to 63 letters, digits, dots, dashes or underscores." }),
    dsn: t.string({ required: true, description: "How to reach it; sealed at once for the workers." }),
    repositoryId: t.id({ description: "Where backups go; the first ready one when left out." }),
    policyId: t.id({ description: "An existing policy." }),
    retention: t.field({
      type: RetentionInputRef,
      description: "Makes a policy of its own, when no policyId is given.",
    }),
    targets: t.field({ type: PolicyTargetsInputRef, description: "What that policy promises." }),
    backupCron: t.string({ description: "When backups are taken; never by itself when left out." }),
    drillCron: t.string({ description: "When drills run; never by itself when left out." }),
    verifyCron: t.string({ description: "When verifications run; never by itself when left out." }),
    retentionCron: t.string({ description: "When retention runs; never by itself when left out." }),
    zone: t.string({ description: "IANA time zone of these; UTC when left out." }),
    sameSystemAs: t.field({
      type: SameSystemChoiceEnum,
      description:
        "Register although another server has the same system identifier: as a member of it, or as a copy with an area of its own.",
    }),
    walMode: t.field({ type: WalModeEnum, description: "How its WAL comes to us; STREAM when left out." }),
    walSlot: t.string({
      description: "The physical slot to stream from: tidemark or tidemark_…; one named for the server when left out.",
    }),
    synchronous: t.boolean({
      description:
        "Commits may wait for us: what arrives is made durable at once, and the receiver is called tidemark_sync. Default false.",
    }),
    firstBackup: t.boolean({ description: "Take the first backup (and its first drill) at once. Default true." }),
    idempotencyKey: t.string({ description: keyText }),
  }),
});

export const UpdateServerInput = builder.inputType("UpdateServerInput", {
  description: "What is left out stays.",
  fields: (t) => ({
    id: t.id({ required: true, description: "Which server." }),
    expectedVersion: t.int({ description: "Refuses with version-conflict when somebody changed it meanwhile." }),
    name: t.string({ description: "A new name." }),
    dsn: t.string({ description: "A new way to reach it; stored when its test succeeds." }),
    policyId: t.id({ description: "Another policy." }),
    retention: t.field({ type: RetentionInputRef, description: "Changes its own policy, or gives it one." }),
    targets: t.field({
      type: PolicyTargetsInputRef,
      description: "Changes what its own policy promises, or gives it one.",
    }),
    backupMethod: t.field({
      type: BackupMethodEnum,
      description:
        "How its backups are taken when one asks for no other method. LOCAL_FILES is only for servers on the worker's own machine, whose files it may read.",
    }),
    walMode: t.field({
      type: WalModeEnum,
      description:
        "How its WAL comes to us. A slot that is not streamed from any more keeps WAL on the server until it is dropped.",
    }),
    walSlot: t.string({ description: "The physical slot to stream from: tidemark or tidemark_…" }),
    synchronous: t.boolean({ description: "Commits may wait for us: what arrives is made durable at once." }),
    copyMaxRateKib: t.int({
      description:
        "KiB a second that copies to its second repository take at most, backups and WAL each: 32 to 1048576; null: the workers' setting.",
    }),
    drillSettings: t.field({
      type: DrillSettingsInput,
      description: "How its drills are done; all of it is replaced.",
    }),
    walSystemIdentifier: t.string({
      description:
        "Receive WAL also from the cluster with this system identifier: after pg_upgrade or a new initdb the same server is another one.",
    }),
  }),
});

export const RemoveServerInput = builder.inputType("RemoveServerInput", {
  description: "A server to forget; its backups stay.",
  fields: (t) => ({
    id: t.id({ required: true, description: "Which server." }),
    confirmName: t.string({ required: true, description: "Type the name to confirm." }),
  }),
});
