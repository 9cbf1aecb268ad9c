import { drillBackup, drillServer } from "../../use-cases/drills.ts";
import { builder } from "../builder.ts";
import { mutation } from "./define-mutation.ts";
import { drillFields } from "./drill-inputs.ts";
import { keyText } from "./idempotency-key.ts";
import { runPayload } from "./payloads.ts";

mutation(
  "drillBackup",
  "Proves a backup: restores it to a scratch place, starts it, recovers, checks, throws it away.",
  builder.inputType("DrillBackupInput", {
    description: "A backup to prove. What is left out is as the server's drill settings say.",
    fields: (t) => ({
      id: t.id({ required: true, description: "Which backup." }),
      ...drillFields(t),
      idempotencyKey: t.string({ description: keyText }),
    }),
  }),
  runPayload("DrillBackupPayload", "A drill."),
  drillBackup,
);
mutation(
  "drillServer",
  "As drillBackup, from the backup that fits the target.",
  builder.inputType("DrillServerInput", {
    description: "A server to prove. What is left out is as its drill settings say.",
    fields: (t) => ({
      serverId: t.id({ required: true, description: "Which server." }),
      ...drillFields(t),
      idempotencyKey: t.string({ description: keyText }),
    }),
  }),
  runPayload("DrillServerPayload", "A drill."),
  drillServer,
);
