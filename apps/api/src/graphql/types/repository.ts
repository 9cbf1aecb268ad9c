import { nestedPageCost, pageArguments, ServerConnection } from "../connections.ts";
import { RepositoryStateEnum } from "../enums.ts";
import { NodeRef, RepositoryRef } from "../refs.ts";

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
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was added." }),
    servers: t.field({
      type: ServerConnection,
      description: "Servers whose backups go there, by name.",
      args: pageArguments,
      complexity: nestedPageCost,
      resolve: (repository, page, { services }) =>
        services.metadata.servers.list({ repositoryId: repository.id }, page),
    }),
  }),
});
