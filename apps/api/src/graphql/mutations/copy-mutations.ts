import { copyBackups, rebuildCatalog, setSecondRepository } from "../../use-cases/copies.ts";
import { builder } from "../builder.ts";
import { mutation } from "./define-mutation.ts";
import { runPayload, serverPayload } from "./payloads.ts";

const keyText = "The same key again gets the first answer.";

const SetSecondRepositoryInput = builder.inputType("SetSecondRepositoryInput", {
  description: "Where copies of a server's backups go.",
  fields: (t) => ({
    serverId: t.id({ required: true, description: "Which server." }),
    repositoryId: t.id({ description: "The second repository; null: no copies any more." }),
    idempotencyKey: t.string({ description: keyText }),
  }),
});

const CopyBackupsInput = builder.inputType("CopyBackupsInput", {
  description: "Backups to bring to the second repository.",
  fields: (t) => ({
    serverId: t.id({ required: true, description: "Which server." }),
    backupId: t.id({ description: "One backup; all that are usable and not there yet when left out." }),
    heal: t.boolean({
      description:
        "First bring back what is damaged or missing in the first repository: each pack is read, and replaced where the second has it whole. Copies that a verification found damaged are brought anew.",
    }),
    idempotencyKey: t.string({ description: keyText }),
  }),
});

const RebuildCatalogInput = builder.inputType("RebuildCatalogInput", {
  description: "A repository whose servers and backups get rows.",
  fields: (t) => ({
    repositoryId: t.id({ required: true, description: "Which repository." }),
    idempotencyKey: t.string({ description: keyText }),
  }),
});

mutation(
  "setSecondRepository",
  "Says which second repository a server's backups are copied to, and starts the first copy.",
  SetSecondRepositoryInput,
  serverPayload("SetSecondRepositoryPayload", "The server.", "The first copy; null when there are none any more."),
  (services, caller, input) => setSecondRepository(services, caller, { repositoryId: null, ...(input as object) }),
);
mutation(
  "copyBackups",
  "Brings backups to the server's second repository now. A copy follows each backup by itself.",
  CopyBackupsInput,
  runPayload("CopyBackupsPayload", "A copy."),
  copyBackups,
);
mutation(
  "rebuildCatalog",
  "Makes rows of the servers, backups and holds a repository holds: after the database was lost.",
  RebuildCatalogInput,
  runPayload("RebuildCatalogPayload", "A rebuilding."),
  rebuildCatalog,
);
