import type { KeySlotRow } from "@tidemark/metadata";
import { whatKeyOpens } from "../../use-cases/repository-keys.ts";
import { builder } from "../builder.ts";
import { nestedPageCost, pageArguments, ServerConnection } from "../connections.ts";
import { KeySlotKindEnum, RepositoryStateEnum } from "../enums.ts";
import { NodeRef, RepositoryRef } from "../refs.ts";

const KeySlotRef = builder.objectRef<KeySlotRow>("KeySlot").implement({
  description: "A data key of a repository, wrapped for one key of a person. After a rotation each key has several.",
  fields: (t) => ({
    slot: t.exposeString("slot", { description: "Its name below keys/." }),
    kind: t.expose("kind", { type: KeySlotKindEnum, description: "What opens it." }),
    ownerId: t.exposeString("ownerId", { description: "The same for all slots of one key." }),
    label: t.exposeString("label", { nullable: true, description: "Whose key it is; null: nobody said." }),
    recipient: t.exposeString("recipient", { nullable: true, description: "Of an age slot; null for other kinds." }),
    walOf: t.string({
      nullable: true,
      description: "Id of the server whose WAL is all that it opens; null: it opens everything.",
      resolve: (slot) => slot.walOf ?? null,
    }),
    opens: t.string({
      description: "The same for people: everything, or WAL of a server by its name.",
      resolve: (slot, _, { services }) => whatKeyOpens(services, slot),
    }),
    keyId: t.exposeString("keyId", { description: "Id of the data key in it, or of the one its WAL key is made of." }),
    keyCreatedAt: t.field({
      type: "DateTime",
      description: "When the data key was made.",
      resolve: (slot) => new Date(slot.keyCreatedAt),
    }),
    createdAt: t.field({
      type: "DateTime",
      description: "When the slot was made.",
      resolve: (slot) => new Date(slot.createdAt),
    }),
    current: t.exposeBoolean("current", { description: "Whether new objects are sealed with its data key." }),
    opened: t.exposeBoolean("opened", { description: "Whether it is a slot of the key that the workers have." }),
  }),
});

const unknownSize = "Null until a worker could find out.";

RepositoryRef.implement({
  description: "A place where backups live.",
  interfaces: [NodeRef],
  isTypeOf: (value) => (value as { id: string }).id.startsWith("rep_"),
  fields: (t) => ({
    id: t.exposeID("id", { description: "`rep_…`" }),
    name: t.exposeString("name", { description: "Unique." }),
    location: t.exposeString("url", { description: "Where it is." }),
    encrypted: t.exposeBoolean("encrypted", { description: "Whether what it holds can be read only with its key." }),
    formatVersion: t.exposeInt("formatVersion", {
      nullable: true,
      description: "Of its bytes at rest; null until attached.",
    }),
    state: t.expose("state", { type: RepositoryStateEnum, description: "What a worker last found." }),
    stateDetail: t.exposeString("stateDetail", {
      nullable: true,
      description: "Why, in a sentence; null when it is ready.",
    }),
    freeBytes: t.expose("freeBytes", {
      type: "BigInt",
      nullable: true,
      description: `Room that is left. ${unknownSize}`,
    }),
    totalBytes: t.expose("totalBytes", { type: "BigInt", nullable: true, description: `Of the place. ${unknownSize}` }),
    storedBytes: t.expose("storedBytes", {
      type: "BigInt",
      nullable: true,
      description: `What it holds. ${unknownSize}`,
    }),
    recoveryKitSavedAt: t.expose("recoveryKitSavedAt", {
      type: "DateTime",
      nullable: true,
      description: "When the owner said the recovery kit is safe; null: not yet.",
    }),
    compression: t.exposeString("compression", {
      description: "How frames of new backups are compressed: zstd:1 to zstd:19, gzip:1 to gzip:9, lz4, none or auto.",
    }),
    keySlots: t.field({
      type: [KeySlotRef],
      nullable: true,
      description: "Its key slots as a worker last saw them, oldest first. Null: not encrypted, or not seen yet.",
      resolve: (repository) => repository.keySlots,
    }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was added." }),
    servers: t.field({
      type: ServerConnection,
      description: "Servers whose backups go there, by name.",
      args: pageArguments,
      complexity: nestedPageCost,
      resolve: (repository, page, { services }) =>
        services.metadata.servers.list({ repositoryId: repository.id }, page),
    }),
    copiedServers: t.field({
      type: ServerConnection,
      description: "Servers whose backups are copied there, by name.",
      args: pageArguments,
      complexity: nestedPageCost,
      resolve: (repository, page, { services }) => services.metadata.servers.list({ copyToId: repository.id }, page),
    }),
  }),
});
