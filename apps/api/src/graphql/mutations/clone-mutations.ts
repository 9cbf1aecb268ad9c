import {
  createClone,
  endClone,
  extendClone,
  extractFromClone,
  moveClone,
  promoteClone,
  revealCloneConnection,
} from "../../use-cases/clones.ts";
import { builder } from "../builder.ts";
import { ExtractFormatEnum } from "../enums.ts";
import { CloneRef, RunRef, UserErrorRef } from "../refs.ts";
import { mutation } from "./define-mutation.ts";
import { TrialTargetInput } from "./drill-inputs.ts";
import { keyText } from "./idempotency-key.ts";
import { errorsText, type Payload, payload, refused, runOf, runPayload } from "./payloads.ts";

const id = "Of the clone.";

mutation(
  "createClone",
  "Makes a clone of a server at a target: a restored server that lives for a time, isolated, with a connection of its own.",
  builder.inputType("CreateCloneInput", {
    description: "A clone to make.",
    fields: (t) => ({
      serverId: t.id({ required: true, description: "Of which server." }),
      backupId: t.id({ description: "From this backup; chosen for the target when left out." }),
      target: t.field({
        type: TrialTargetInput,
        description: "The end of the archived WAL when left out, or of the backup where there is none.",
      }),
      promote: t.boolean({ description: "Takes writes; read-only and movable when left out." }),
      hours: t.int({ description: "How long it lives; 24 when left out." }),
      maxBytes: t.string({ description: "Refuse a larger one; decimal text." }),
      idempotencyKey: t.string({ description: keyText }),
    }),
  }),
  clonePayload("CreateClonePayload", "A clone that is being made.", true),
  createClone,
);
mutation(
  "moveClone",
  "Moves a paused clone on to a later target; never backwards.",
  builder.inputType("MoveCloneInput", {
    description: "Where a clone moves.",
    fields: (t) => ({
      id: t.id({ required: true, description: id }),
      target: t.field({ type: TrialTargetInput, required: true, description: "To where." }),
      idempotencyKey: t.string({ description: keyText }),
    }),
  }),
  clonePayload("MoveClonePayload", "A clone that moves.", true),
  moveClone,
);
mutation(
  "promoteClone",
  "Lets a paused clone take writes. It cannot be moved on afterwards.",
  cloneInput("PromoteCloneInput", "A clone to promote."),
  clonePayload("PromoteClonePayload", "A clone that is being promoted.", true),
  promoteClone,
);
mutation(
  "endClone",
  "Ends a clone now and gives its space back.",
  cloneInput("EndCloneInput", "A clone to end."),
  clonePayload("EndClonePayload", "A clone that ends.", true),
  endClone,
);
mutation(
  "extendClone",
  "Lets a clone live so long from now on.",
  builder.inputType("ExtendCloneInput", {
    description: "How long a clone lives.",
    fields: (t) => ({
      id: t.id({ required: true, description: id }),
      hours: t.int({ required: true, description: "From now on." }),
      idempotencyKey: t.string({ description: keyText }),
    }),
  }),
  clonePayload("ExtendClonePayload", "A clone that lives longer.", false),
  extendClone,
);
mutation(
  "extractFromClone",
  "Writes a table of a clone into a file on the clone's machine: CSV, or SQL that makes it again.",
  builder.inputType("ExtractFromCloneInput", {
    description: "A table to extract.",
    fields: (t) => ({
      id: t.id({ required: true, description: id }),
      database: t.string({ required: true, description: "In which database." }),
      schema: t.string({ description: "`public` when left out." }),
      table: t.string({ required: true, description: "Its name, in the case PostgreSQL keeps." }),
      format: t.field({ type: ExtractFormatEnum, description: "CSV when left out." }),
      idempotencyKey: t.string({ description: keyText }),
    }),
  }),
  runPayload("ExtractFromClonePayload", "A table that is being extracted."),
  extractFromClone,
);
mutation(
  "revealCloneConnection",
  "Starts a run whose result holds the clone's connection string, sealed for this asking; fetch it from GET /api/v1/clones/{id}/connection.",
  cloneInput("RevealCloneConnectionInput", "A clone to connect to."),
  payload("RevealCloneConnectionPayload").implement({
    description: "A connection string on its way.",
    fields: (t) => ({
      run: t.field({ type: RunRef, nullable: true, description: `The run that brings it. ${refused}`, resolve: runOf }),
      downloadToken: t.string({
        nullable: true,
        description: `Opens the finished run's answer; kept by nobody but the asker. ${refused}`,
        resolve: ({ answer }) => answer?.downloadToken ?? null,
      }),
      userErrors: t.expose("userErrors", { type: [UserErrorRef], description: errorsText }),
    }),
  }),
  revealCloneConnection,
);

function cloneInput(name: string, description: string) {
  return builder.inputType(name, {
    description,
    fields: (t) => ({
      id: t.id({ required: true, description: id }),
      idempotencyKey: t.string({ description: keyText }),
    }),
  });
}

function clonePayload(name: string, description: string, hasRun: boolean) {
  return payload(name).implement({
    description,
    fields: (t) => ({
      clone: t.field({
        type: CloneRef,
        nullable: true,
        description: `The clone as it is now. ${refused}`,
        resolve: ({ answer }: Payload, _args, { services }) =>
          answer?.cloneId ? services.metadata.clones.get(answer.cloneId) : null,
      }),
      ...(hasRun
        ? {
            run: t.field({
              type: RunRef,
              nullable: true,
              description: `The run that does it. ${refused}`,
              resolve: runOf,
            }),
          }
        : {}),
      userErrors: t.expose("userErrors", { type: [UserErrorRef], description: errorsText }),
    }),
  });
}
