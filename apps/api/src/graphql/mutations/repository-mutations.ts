import {
  addRepositoryKey,
  listRepositoryKeys,
  removeRepositoryKey,
  rewrapRepositoryKey,
  rotateRepositoryKeys,
  updateRepository,
} from "../../use-cases/repository-keys.ts";
import { builder } from "../builder.ts";
import { RepositoryRef, RunRef, UserErrorRef } from "../refs.ts";
import { mutation } from "./define-mutation.ts";
import { keyText } from "./idempotency-key.ts";
import { errorsText, payload, refused, repositoryOf, runOf } from "./payloads.ts";

const whichRepository = "Which repository.";
const planText = "planHash of the plan that was shown; left out, the run only plans.";

function keyPayload(name: string, description: string) {
  return payload(name).implement({
    description,
    fields: (t) => ({
      run: t.field({
        type: RunRef,
        nullable: true,
        description: `The run that does it; its result has slots, notes and, where it only planned, plan. ${refused}`,
        resolve: runOf,
      }),
      userErrors: t.expose("userErrors", { type: [UserErrorRef], description: errorsText }),
    }),
  });
}

mutation(
  "listRepositoryKeys",
  "Reads the key slots of a repository anew.",
  builder.inputType("ListRepositoryKeysInput", {
    description: "A repository whose keys to look at.",
    fields: (t) => ({ repositoryId: t.id({ required: true, description: whichRepository }) }),
  }),
  keyPayload("ListRepositoryKeysPayload", "Keys that are being looked at."),
  listRepositoryKeys,
);
mutation(
  "addRepositoryKey",
  "Gives a repository another key: exactly one of recipient, passphrase and keyText.",
  builder.inputType("AddRepositoryKeyInput", {
    description: "A key to add.",
    fields: (t) => ({
      repositoryId: t.id({ required: true, description: whichRepository }),
      label: t.string({ description: "Whose key it is, for lists." }),
      walOf: t.id({ description: "A server: the key file opens that server's WAL and nothing else." }),
      recipient: t.string({ description: "An age recipient (age1…, X25519)." }),
      passphrase: t.string({ description: "A passphrase of at least 8 characters. Sealed for the workers at once." }),
      keyText: t.string({ description: "The text of a key file. Sealed for the workers at once." }),
      idempotencyKey: t.string({ description: keyText }),
    }),
  }),
  keyPayload("AddRepositoryKeyPayload", "A key that is being added."),
  addRepositoryKey,
);
mutation(
  "rewrapRepositoryKey",
  "Another key instead of one: exactly one of recipient, passphrase and keyText. The old one opens nothing afterwards.",
  builder.inputType("RewrapRepositoryKeyInput", {
    description: "A key to replace; nothing that is stored is written again.",
    fields: (t) => ({
      repositoryId: t.id({ required: true, description: whichRepository }),
      oldKeyText: t.string({
        required: true,
        description: "The passphrase or key file that opens it so far. Sealed for the workers at once.",
      }),
      recipient: t.string({ description: "An age recipient (age1…, X25519)." }),
      passphrase: t.string({ description: "A passphrase of at least 8 characters. Sealed for the workers at once." }),
      keyText: t.string({ description: "The text of a key file. Sealed for the workers at once." }),
      idempotencyKey: t.string({ description: keyText }),
    }),
  }),
  keyPayload("RewrapRepositoryKeyPayload", "A key that is being replaced."),
  rewrapRepositoryKey,
);
mutation(
  "removeRepositoryKey",
  "Takes a key away: plans, and, asked again with the plan's hash, does it. The last one of a data key in use stays.",
  builder.inputType("RemoveRepositoryKeyInput", {
    description: "A key to remove.",
    fields: (t) => ({
      repositoryId: t.id({ required: true, description: whichRepository }),
      ownerId: t.string({ required: true, description: "ownerId of its slots." }),
      idempotencyKey: t.string({ description: keyText }),
      planHash: t.string({ description: planText }),
    }),
  }),
  keyPayload("RemoveRepositoryKeyPayload", "A key that is being removed."),
  removeRepositoryKey,
);
mutation(
  "rotateRepositoryKeys",
  "A new data key for what is stored from now on: plans, and, asked again with the plan's hash, does it.",
  builder.inputType("RotateRepositoryKeysInput", {
    description: "A rotation. Nothing that is stored is written again.",
    fields: (t) => ({
      repositoryId: t.id({ required: true, description: whichRepository }),
      planHash: t.string({ description: planText }),
      idempotencyKey: t.string({ description: keyText }),
      keyTexts: t.stringList({
        description: "Key files and passphrases of others, who get the new data key too. Recipients need none.",
      }),
    }),
  }),
  keyPayload("RotateRepositoryKeysPayload", "Keys that are being rotated."),
  rotateRepositoryKeys,
);
mutation(
  "updateRepository",
  "Sets how frames of new backups are compressed, and what opens its object store.",
  builder.inputType("UpdateRepositoryInput", {
    description: "Settings of a repository.",
    fields: (t) => ({
      repositoryId: t.id({ required: true, description: whichRepository }),
      compression: t.string({
        description:
          "zstd:1 to zstd:19, gzip:1 to gzip:9, lz4, none or auto (follows the slower of store and processors); as before when left out.",
      }),
      storeCredentials: t.string({
        description: "What opens its object store from now on, as lines name = value; sealed for the workers.",
      }),
    }),
  }),
  payload("UpdateRepositoryPayload").implement({
    description: "A repository that was changed.",
    fields: (t) => ({
      repository: t.field({ type: RepositoryRef, nullable: true, description: refused, resolve: repositoryOf }),
      userErrors: t.expose("userErrors", { type: [UserErrorRef], description: errorsText }),
    }),
  }),
  updateRepository,
);
