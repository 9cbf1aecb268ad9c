import type { RepositoryRow } from "@tidemark/metadata";
import { z } from "zod";
import type { Services } from "../services.ts";
import { AddRepositoryInput, addRepository } from "../use-cases/repositories.ts";
import {
  AddRepositoryKeyInput,
  addRepositoryKey,
  RemoveRepositoryKeyInput,
  RewrapRepositoryKeyInput,
  RotateRepositoryKeysInput,
  removeRepositoryKey,
  rewrapRepositoryKey,
  rotateRepositoryKeys,
  UpdateRepositoryInput,
  updateRepository,
  whatKeyOpens,
} from "../use-cases/repository-keys.ts";
import { requireRepository } from "../use-cases/requirements.ts";
import { accepted, answerOf } from "./answers.ts";
import { RunDocument } from "./documents.ts";
import { operation, type RestOperation } from "./operation.ts";

const KeySlotDocument = z.object({
  slot: z.string(),
  kind: z.enum(["key-file", "passphrase", "age"]),
  ownerId: z.string().describe("The same for all slots of one key."),
  label: z.string().nullable(),
  recipient: z.string().nullable(),
  walOf: z.string().nullable().describe("The server whose WAL is all that it opens; null: it opens everything."),
  opens: z.string().describe("The same for people: everything, or WAL of a server by its name."),
  keyId: z.string().describe("Of the data key in it, or of the one its WAL key is made of."),
  keyCreatedAt: z.string(),
  createdAt: z.string(),
  current: z.boolean().describe("It holds the data key of new objects."),
  opened: z.boolean().describe("It is a slot of the key that the workers have."),
});

const RepositorySettingsDocument = z.object({
  id: z.string(),
  name: z.string(),
  encrypted: z.boolean(),
  compression: z.string().describe("How frames of new backups are compressed."),
  keySlots: z.array(KeySlotDocument).nullable().describe("Oldest first; null: not encrypted, or not seen yet."),
});

const run = {
  202: { description: "The run; its result has the slots, and the plan where it only planned.", schema: RunDocument },
};

export const repositoryOperations: readonly RestOperation[] = [
  operation({
    method: "POST",
    path: "/repositories",
    id: "addRepository",
    summary: "Adds a place for backups: opens the repository there, or makes one.",
    body: AddRepositoryInput,
    answers: { 202: { description: "The run that attaches it.", schema: RunDocument } },
    handle: async ({ services, principal, body, idempotencyKey }) => {
      const outcome = await addRepository(services, { principal, idempotencyKey }, body);
      return await accepted(services, answerOf(outcome).runId);
    },
  }),
  operation({
    method: "GET",
    path: "/repositories/{id}/keys",
    id: "getRepositoryKeys",
    summary: "The key slots as a worker last saw them.",
    answers: { 200: { description: "Settings and slots.", schema: RepositorySettingsDocument } },
    handle: async ({ services, params }) => settings(services, params.id ?? ""),
  }),
  operation({
    method: "PATCH",
    path: "/repositories/{id}",
    id: "updateRepository",
    summary: "Sets how frames of new backups are compressed, and what opens its object store.",
    body: UpdateRepositoryInput.omit({ repositoryId: true }),
    answers: { 200: { description: "Settings and slots.", schema: RepositorySettingsDocument } },
    handle: async ({ services, principal, params, body }) => {
      const input = { ...body, repositoryId: params.id };
      return settings(services, answerOf(await updateRepository(services, { principal }, input)).repositoryId);
    },
  }),
  operation({
    method: "POST",
    path: "/repositories/{id}/keys",
    id: "addRepositoryKey",
    summary: "Gives it another key: exactly one of recipient, passphrase and keyText.",
    body: AddRepositoryKeyInput.omit({ repositoryId: true }),
    answers: run,
    handle: async ({ services, principal, params, body, idempotencyKey }) => {
      const input = { ...body, repositoryId: params.id };
      const outcome = await addRepositoryKey(services, { principal, idempotencyKey }, input);
      return await accepted(services, answerOf(outcome).runId);
    },
  }),
  operation({
    method: "POST",
    path: "/repositories/{id}/keys/rewrap",
    id: "rewrapRepositoryKey",
    summary:
      "Another key instead of one, which opens nothing afterwards: exactly one of recipient, passphrase and keyText.",
    body: RewrapRepositoryKeyInput.omit({ repositoryId: true }),
    answers: run,
    handle: async ({ services, principal, params, body, idempotencyKey }) => {
      const input = { ...body, repositoryId: params.id };
      const outcome = await rewrapRepositoryKey(services, { principal, idempotencyKey }, input);
      return await accepted(services, answerOf(outcome).runId);
    },
  }),
  operation({
    method: "POST",
    path: "/repositories/{id}/keys/remove",
    id: "removeRepositoryKey",
    summary: "Plans the removal of a key; with the plan's hash, does it.",
    body: RemoveRepositoryKeyInput.omit({ repositoryId: true }),
    answers: run,
    handle: async ({ services, principal, params, body, idempotencyKey }) => {
      const input = { ...body, repositoryId: params.id };
      const outcome = await removeRepositoryKey(services, { principal, idempotencyKey }, input);
      return await accepted(services, answerOf(outcome).runId);
    },
  }),
  operation({
    method: "POST",
    path: "/repositories/{id}/keys/rotate",
    id: "rotateRepositoryKeys",
    summary: "Plans a new data key; with the plan's hash, makes it.",
    body: RotateRepositoryKeysInput.omit({ repositoryId: true }),
    answers: run,
    handle: async ({ services, principal, params, body, idempotencyKey }) => {
      const input = { ...body, repositoryId: params.id };
      const outcome = await rotateRepositoryKeys(services, { principal, idempotencyKey }, input);
      return await accepted(services, answerOf(outcome).runId);
    },
  }),
];

async function settings(services: Services, id: string) {
  const row = await requireRepository(services, id, "id");
  return { status: 200, body: await represent(services, row) };
}

async function represent(services: Services, { id, name, encrypted, compression, keySlots }: RepositoryRow) {
  const slots = await Promise.all(
    (keySlots ?? []).map(async (slot) => {
      return { ...slot, walOf: slot.walOf ?? null, opens: await whatKeyOpens(services, slot) };
    }),
  );
  return { id, name, encrypted, compression, keySlots: keySlots === null ? null : slots };
}
