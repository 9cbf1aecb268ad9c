import { builder } from "../builder.ts";
import { BackupMethodEnum, CheckpointModeEnum, ReadingEnum, VerifyTierEnum } from "../enums.ts";
import { keyText } from "./idempotency-key.ts";

/** What the mutations of backups are asked; the use cases, which REST shares, check values and limits. */

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
