import { builder } from "../builder.ts";
import { keyText } from "./idempotency-key.ts";

/** What mutations at a server are asked; the use cases check values and limits, which REST shares. */

const whichServer = "Which server.";

function oneServer(name: string, description: string) {
  return builder.inputType(name, {
    description,
    fields: (t) => ({
      serverId: t.id({ required: true, description: whichServer }),
      idempotencyKey: t.string({ description: keyText }),
    }),
  });
}
export const SwitchWalInput = oneServer("SwitchWalInput", "A server whose WAL segment to close.");
export const CheckpointServerInput = oneServer("CheckpointServerInput", "A server to checkpoint.");
export const SetServerOnlineInput = oneServer("SetServerOnlineInput", "A server to put back into service.");

export const InspectServerInput = builder.inputType("InspectServerInput", {
  description: "A server to look at.",
  fields: (t) => ({
    serverId: t.id({ required: true, description: whichServer }),
    checkIds: t.stringList({
      description: "Only these checks (ServerCheck.id); everything, and a new snapshot, when left out.",
    }),
    idempotencyKey: t.string({ description: keyText }),
  }),
});

export const CreateRestorePointInput = builder.inputType("CreateRestorePointInput", {
  description: "A restore point to write into the WAL.",
  fields: (t) => ({
    serverId: t.id({ required: true, description: whichServer }),
    name: t.string({ required: true, description: "1 to 63 bytes." }),
    idempotencyKey: t.string({ description: keyText }),
  }),
});

export const CreateReplicationSlotInput = builder.inputType("CreateReplicationSlotInput", {
  description: "A physical replication slot to make.",
  fields: (t) => ({
    serverId: t.id({ required: true, description: whichServer }),
    name: t.string({ required: true, description: "1 to 63 of a-z, 0-9 and _." }),
    reserveWal: t.boolean({ defaultValue: true, description: "Keep WAL for it from now on, not from its first use." }),
    idempotencyKey: t.string({ description: keyText }),
  }),
});

export const PlanReplicationSlotDropInput = builder.inputType("PlanReplicationSlotDropInput", {
  description: "A slot that may be dropped.",
  fields: (t) => ({
    serverId: t.id({ required: true, description: whichServer }),
    name: t.string({ required: true, description: "Which slot." }),
    idempotencyKey: t.string({ description: keyText }),
  }),
});

export const DropReplicationSlotInput = builder.inputType("DropReplicationSlotInput", {
  description: "A slot to drop.",
  fields: (t) => ({
    serverId: t.id({ required: true, description: whichServer }),
    name: t.string({ required: true, description: "Which slot." }),
    planHash: t.string({ required: true, description: "Of the plan that was shown." }),
    idempotencyKey: t.string({ description: keyText }),
  }),
});

export const ReadServerSettingsInput = builder.inputType("ReadServerSettingsInput", {
  description: "Settings to read.",
  fields: (t) => ({
    serverId: t.id({ required: true, description: whichServer }),
    names: t.stringList({ description: "Which, at most 500; all that the role may see when left out." }),
    idempotencyKey: t.string({ description: keyText }),
  }),
});

const pathText = "Absolute, or below the server's data directory; at most 1023 bytes.";

export const StatServerFileInput = builder.inputType("StatServerFileInput", {
  description: "A file or directory of the server's machine to look at.",
  fields: (t) => ({
    serverId: t.id({ required: true, description: whichServer }),
    path: t.string({ required: true, description: pathText }),
    idempotencyKey: t.string({ description: keyText }),
  }),
});

export const ReadServerFileInput = builder.inputType("ReadServerFileInput", {
  description: "A piece of a file of the server's machine to read.",
  fields: (t) => ({
    serverId: t.id({ required: true, description: whichServer }),
    path: t.string({ required: true, description: pathText }),
    offset: t.field({ type: "BigInt", defaultValue: 0n, description: "Where to begin." }),
    lengthBytes: t.int({ required: true, description: "How much, 1 to 1048576." }),
    recipient: t.string({
      required: true,
      description:
        "The asker's public key, `tidemark-seal-1:` and base64url of 32 bytes; only its private half opens the answer.",
    }),
    idempotencyKey: t.string({ description: keyText }),
  }),
});

export const SetServerOfflineInput = builder.inputType("SetServerOfflineInput", {
  description: "A server to take out of service.",
  fields: (t) => ({
    serverId: t.id({ required: true, description: whichServer }),
    reason: t.string({ required: true, description: "Why, 1 to 500 characters, for whoever wonders later." }),
    idempotencyKey: t.string({ description: keyText }),
  }),
});
