import { builder } from "../builder.ts";
import { KitFormEnum } from "../enums.ts";
import { keyText } from "./idempotency-key.ts";

/** What the mutations of repositories are asked; the use cases, which REST shares, check values and limits. */

export const AddRepositoryInput = builder.inputType("AddRepositoryInput", {
  description: "A place for backups.",
  fields: (t) => ({
    name: t.string({ required: true, description: "1 to 63 letters, digits, dots, dashes or underscores." }),
    url: t.string({
      required: true,
      description: "file:///absolute/path on the worker's machine, s3://bucket/prefix or az://container/prefix.",
    }),
    encrypted: t.boolean({ description: "Encrypt a new one; true when left out." }),
    keyText: t.string({ description: "Opens a repository that already exists there." }),
    storeCredentials: t.string({
      description: "What opens an object store, as lines name = value; sealed for the workers, and never shown again.",
    }),
    idempotencyKey: t.string({ description: keyText }),
  }),
});

export const RequestRecoveryKitInput = builder.inputType("RequestRecoveryKitInput", {
  description: "A recovery kit to pack.",
  fields: (t) => ({
    repositoryId: t.id({ required: true, description: "Which repository." }),
    form: t.field({ type: KitFormEnum, description: "A text when left out." }),
  }),
});

function oneRepository(name: string, description: string) {
  return builder.inputType(name, {
    description,
    fields: (t) => ({ repositoryId: t.id({ required: true, description: "Which repository." }) }),
  });
}

export const ConfirmRecoveryKitInput = oneRepository("ConfirmRecoveryKitInput", "A recovery kit that is safe.");
