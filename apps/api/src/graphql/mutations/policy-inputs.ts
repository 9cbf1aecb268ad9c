import type { InputFieldBuilder } from "@pothos/core";
import { builder, type Types } from "../builder.ts";
import { keyText } from "./idempotency-key.ts";

/** What the mutations of policies and retention are asked; the use cases, which REST shares, check values and limits. */

/** A retention policy's rules, as every input that brings some has them. */
function retentionFields(t: InputFieldBuilder<Types, "InputObject">) {
  return {
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
  };
}

export const RetentionInputRef = builder.inputType("RetentionInput", {
  description: "A retention policy's rules; with none every backup is kept.",
  fields: retentionFields,
});

export const PolicyTargetsInputRef = builder.inputType("PolicyTargetsInput", {
  description: "What a policy promises beside retention. What is left out stays; null: the usual.",
  fields: (t) => ({
    rpoTargetSeconds: t.int({
      description:
        "Seconds of commits that may be lost at most, 5 to 31 days; null: a minute where WAL is streamed; 0: no target.",
    }),
    rtoTargetSeconds: t.int({
      description: "Seconds a restore may take at most, 10 to 31 days; null: nothing is promised.",
    }),
    proofDays: t.int({ description: "Days a proof by a drill counts, 1 to 3650; null: 31; 0: for ever." }),
    verifyDays: t.int({
      description: "Days within which everything stored is verified, a part each day, 1 to 366; null: not by itself.",
    }),
  }),
});

const policyRules = "A rule that is null or left out keeps nothing.";

export const CreatePolicyInput = builder.inputType("CreatePolicyInput", {
  description: "A policy to make.",
  fields: (t) => ({
    name: t.string({ required: true, description: "Unique." }),
    ...retentionFields(t),
    keepLast: t.int({ description: `Keep the newest n. ${policyRules}` }),
    windowDays: t.int({ description: `Keep all that the last n days need. ${policyRules}` }),
    targets: t.field({ type: PolicyTargetsInputRef, description: "What it promises beside retention." }),
  }),
});

export const UpdatePolicyInput = builder.inputType("UpdatePolicyInput", {
  description: "What is left out stays; a rule that is null is taken away.",
  fields: (t) => ({
    id: t.id({ required: true, description: "Which policy." }),
    expectedVersion: t.int({ description: "Refuses with version-conflict when somebody changed it meanwhile." }),
    name: t.string({ description: "A new name." }),
    ...retentionFields(t),
    minimum: t.int({ description: "Never fewer usable ones." }),
    targets: t.field({ type: PolicyTargetsInputRef, description: "What it promises beside retention." }),
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
