import { builder } from "../builder.ts";
import {
  AccessEnum,
  BackupMethodEnum,
  CheckpointModeEnum,
  KitFormEnum,
  ReadingEnum,
  RecoveryActionEnum,
  RecoveryTargetKindEnum,
  RestoredWalEnum,
  SameSystemChoiceEnum,
  ScheduleKindEnum,
  VerifyTierEnum,
  WalModeEnum,
} from "../enums.ts";
import { DrillSettingsInput } from "./drill-inputs.ts";

/** What mutations are asked. What values mean and their limits are checked by the use cases, which REST shares. */

export const keyText = "The same key and request again gives the first answer; kept for a day.";

export const RetentionInputRef = builder.inputType("RetentionInput", {
  description: "A retention policy's rules; with none every backup is kept.",
  fields: (t) => ({
    keepLast: t.int({ description: "Keep the newest n." }),
    windowDays: t.int({ description: "Keep all that the last n days need." }),
    daily: t.int({ description: "Keep the newest of each of the newest n days." }),
    weekly: t.int({ description: "Keep the newest of each of the newest n weeks." }),
    monthly: t.int({ description: "Keep the newest of each of the newest n months." }),
    yearly: t.int({ description: "Keep the newest of each of the newest n years." }),
    timeZone: t.string({ description: "Where days begin, as an IANA name; UTC when left out." }),
    text: t.string({
      description: 'The rules as pgmoneta ("7,4,12,5") or Barman ("REDUNDANCY 3") write them, instead of numbers.',
    }),
    minimum: t.int({ description: "Never fewer usable ones; 1 when left out." }),
  }),
});

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

export const TakeBackupInput = builder.inputType("TakeBackupInput", {
  description: "A backup to take.",
  fields: (t) => ({
    serverId: t.id({ required: true, description: "Of which server." }),
    checkpoint: t.field({ type: CheckpointModeEnum, description: "FAST when left out." }),
    maxRateKib: t.int({ description: "Limit in KiB/s, 32 to 1048576." }),
    label: t.string({ description: "Up to 200 characters." }),
    method: t.field({
      type: BackupMethodEnum,
      description:
        "How files come; the server's own method when left out. LOCAL_FILES is only for servers on the worker's own machine, whose files it may read.",
    }),
    readers: t.int({
      defaultValue: 4,
      description: "How many files are read side by side, 1 to 16; a STREAM has one stream whatever is said.",
    }),
    memberName: t.string({
      description: "Take it from this member (a standby); from the server itself when left out.",
    }),
    reading: t.field({
      type: ReadingEnum,
      description: "AUTO when left out. The backup is complete either way; FULL reads what did not change, too.",
    }),
    idempotencyKey: t.string({ description: keyText }),
  }),
});

function oneBackup(name: string, description: string) {
  return builder.inputType(name, {
    description,
    fields: (t) => ({
      id: t.id({ required: true, description: "Which backup." }),
      idempotencyKey: t.string({ description: keyText }),
    }),
  });
}
export const VerifyBackupInput = builder.inputType("VerifyBackupInput", {
  description: "A backup to read and compare.",
  fields: (t) => ({
    id: t.id({ required: true, description: "Which backup." }),
    tier: t.field({ type: VerifyTierEnum, description: "How deep; WHOLE when left out." }),
    part: t.int({ description: "Only this part of its packs, from 1; with `parts`. All of them when left out." }),
    parts: t.int({
      description: "Into how many parts the packs are divided, up to 4096: a part has the same packs each time.",
    }),
    idempotencyKey: t.string({ description: keyText }),
  }),
});
export const VerifyAreaInput = builder.inputType("VerifyAreaInput", {
  description: "A server's backups to read and compare, each pack once for all that share it.",
  fields: (t) => ({
    serverId: t.id({ required: true, description: "Of which server." }),
    repositoryId: t.id({ description: "Its first repository when left out; the second one for the copies." }),
    tier: t.field({ type: VerifyTierEnum, description: "How deep; WHOLE when left out." }),
    part: t.int({ description: "Only this part of the packs, from 1; with `parts`. All of them when left out." }),
    parts: t.int({
      description: "Into how many parts the packs are divided, up to 4096: a part has the same packs each time.",
    }),
    idempotencyKey: t.string({ description: keyText }),
  }),
});
export const ReleaseBackupInput = oneBackup("ReleaseBackupInput", "A backup to hold no longer.");

export const DeleteBackupInput = builder.inputType("DeleteBackupInput", {
  description: "A backup to delete.",
  fields: (t) => ({
    id: t.id({ required: true, description: "Which backup." }),
    planHash: t.string({ description: "Of the plan that was shown; without it only the plan is answered." }),
    idempotencyKey: t.string({ description: keyText }),
  }),
});

export const HoldBackupInput = builder.inputType("HoldBackupInput", {
  description: "A backup nobody may delete.",
  fields: (t) => ({
    id: t.id({ required: true, description: "Which backup." }),
    reason: t.string({ required: true, description: "Why." }),
    idempotencyKey: t.string({ description: keyText }),
  }),
});

export const AnnotateBackupInput = builder.inputType("AnnotateBackupInput", {
  description: "A note on a backup.",
  fields: (t) => ({
    id: t.id({ required: true, description: "Which backup." }),
    note: t.string({ required: true, description: "Empty takes it away." }),
    idempotencyKey: t.string({ description: keyText }),
  }),
});

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
    kind: t.field({ type: RecoveryTargetKindEnum, required: true, description: "What names the place." }),
    at: t.string({ description: "For TIME: RFC 3339 with its zone." }),
    lsn: t.string({
      description:
        'For LSN: as "16/B374D848". For XID, where it is known with its timeline: the end of its commit record.',
    }),
    xid: t.string({ description: "For XID: decimal text." }),
    name: t.string({ description: "For NAME: of the restore point." }),
    inclusive: t.boolean({ description: "For TIME, LSN and XID: stop behind it; true when left out." }),
    timeline: t.int({ description: "The newest reachable one when left out." }),
    ownTimeline: t.boolean({ description: "On the timeline of the backup itself; instead of `timeline`." }),
    backupId: t.id({ description: "From this backup; chosen when left out." }),
    action: t.field({ type: RecoveryActionEnum, description: "What to do there; PROMOTE when left out." }),
    standby: t.boolean({ description: "Go on as a standby." }),
  }),
});

export const RestoreRecoveryInputRef = builder.inputType("RestoreRecoveryInput", {
  description:
    "To where a restored server recovers, and how it gets the WAL for it. Which field is needed depends on the kind.",
  fields: (t) => ({
    kind: t.field({ type: RecoveryTargetKindEnum, required: true, description: "What names the place." }),
    at: t.string({ description: "For TIME: RFC 3339 with its zone." }),
    lsn: t.string({ description: 'For LSN: as "16/B374D848".' }),
    xid: t.string({ description: "For XID: decimal text." }),
    name: t.string({ description: "For NAME: of the restore point." }),
    inclusive: t.boolean({ description: "For TIME, LSN and XID: stop behind it; true when left out." }),
    timeline: t.int({ description: "The newest reachable one when left out." }),
    ownTimeline: t.boolean({ description: "On the timeline of the backup itself; instead of `timeline`." }),
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

export const ApplyRetentionInput = builder.inputType("ApplyRetentionInput", {
  description: "A retention preview to execute.",
  fields: (t) => ({
    serverId: t.id({ required: true, description: "Of which server." }),
    planHash: t.string({ required: true, description: "Of the preview." }),
    idempotencyKey: t.string({ description: keyText }),
  }),
});

export const SetScheduleInput = builder.inputType("SetScheduleInput", {
  description: "One schedule per server and kind.",
  fields: (t) => ({
    serverId: t.id({ required: true, description: "Of which server." }),
    kind: t.field({ type: ScheduleKindEnum, required: true, description: "What it starts." }),
    cron: t.string({ required: true, description: "Five fields." }),
    zone: t.string({ required: true, description: "IANA time zone." }),
    enabled: t.boolean({ description: "Unchanged when left out; a new one is enabled." }),
  }),
});

function oneId(name: string, description: string, what: string) {
  return builder.inputType(name, {
    description,
    fields: (t) => ({ id: t.id({ required: true, description: what }) }),
  });
}
export const CancelRunInput = oneId("CancelRunInput", "A run to cancel.", "Which run.");
export const RemoveScheduleInput = oneId("RemoveScheduleInput", "A schedule to remove.", "Which schedule.");
export const RevokeApiTokenInput = oneId("RevokeApiTokenInput", "A token to revoke.", "Which token.");

const policyRules = "A rule that is null or left out keeps nothing.";

export const CreatePolicyInput = builder.inputType("CreatePolicyInput", {
  description: "A policy to make.",
  fields: (t) => ({
    name: t.string({ required: true, description: "Unique." }),
    keepLast: t.int({ description: `Keep the newest n. ${policyRules}` }),
    windowDays: t.int({ description: `Keep all that the last n days need. ${policyRules}` }),
    daily: t.int({ description: "Keep the newest of each of the newest n days." }),
    weekly: t.int({ description: "Keep the newest of each of the newest n weeks." }),
    monthly: t.int({ description: "Keep the newest of each of the newest n months." }),
    yearly: t.int({ description: "Keep the newest of each of the newest n years." }),
    timeZone: t.string({ description: "Where days begin, as an IANA name; UTC when left out." }),
    text: t.string({
      description: 'The rules as pgmoneta ("7,4,12,5") or Barman ("REDUNDANCY 3") write them, instead of numbers.',
    }),
    minimum: t.int({ description: "Never fewer usable ones; 1 when left out." }),
  }),
});

export const UpdatePolicyInput = builder.inputType("UpdatePolicyInput", {
  description: "What is left out stays; a rule that is null is taken away.",
  fields: (t) => ({
    id: t.id({ required: true, description: "Which policy." }),
    expectedVersion: t.int({ description: "Refuses with version-conflict when somebody changed it meanwhile." }),
    name: t.string({ description: "A new name." }),
    keepLast: t.int({ description: "Keep the newest n." }),
    windowDays: t.int({ description: "Keep all that the last n days need." }),
    daily: t.int({ description: "Keep the newest of each of the newest n days." }),
    weekly: t.int({ description: "Keep the newest of each of the newest n weeks." }),
    monthly: t.int({ description: "Keep the newest of each of the newest n months." }),
    yearly: t.int({ description: "Keep the newest of each of the newest n years." }),
    timeZone: t.string({ description: "Where days begin, as an IANA name; UTC when left out." }),
    text: t.string({
      description: 'The rules as pgmoneta ("7,4,12,5") or Barman ("REDUNDANCY 3") write them, instead of numbers.',
    }),
    minimum: t.int({ description: "Never fewer usable ones." }),
  }),
});

export const AddRepositoryInput = builder.inputType("AddRepositoryInput", {
  description: "A place for backups.",
  fields: (t) => ({
    name: t.string({ required: true, description: "1 to 63 letters, digits, dots, dashes or underscores." }),
    url: t.string({
      required: true,
      description: "file:///absolute/path on the worker's machine, s3://bucket/prefix or az://container/prefix.",
    }),
    encrypted: t.boolean({ description: "Encrypt a new one; true when left out." }),
    keyText: t.string({ description: "Opens a repository that already exists there." }),
    storeCredentials: t.string({
      description: "What opens an object store, as lines name = value; sealed for the workers, and never shown again.",
    }),
    idempotencyKey: t.string({ description: keyText }),
  }),
});

function oneRepository(name: string, description: string) {
  return builder.inputType(name, {
    description,
    fields: (t) => ({ repositoryId: t.id({ required: true, description: "Which repository." }) }),
  });
}
export const RequestRecoveryKitInput = builder.inputType("RequestRecoveryKitInput", {
  description: "A recovery kit to pack.",
  fields: (t) => ({
    repositoryId: t.id({ required: true, description: "Which repository." }),
    form: t.field({ type: KitFormEnum, description: "A text when left out." }),
  }),
});
export const ConfirmRecoveryKitInput = oneRepository("ConfirmRecoveryKitInput", "A recovery kit that is safe.");

export const CreateApiTokenInput = builder.inputType("CreateApiTokenInput", {
  description: "A token for a script.",
  fields: (t) => ({
    name: t.string({ required: true, description: "What it is for." }),
    access: t.field({ type: AccessEnum, required: true, description: "What it may do." }),
    expiresInDays: t.int({ description: "1 to 3650; never expires when left out." }),
  }),
});
