import { builder } from "../builder.ts";
import { AccessEnum } from "../enums.ts";
import { oneId } from "./one-id.ts";

export const CreateApiTokenInput = builder.inputType("CreateApiTokenInput", {
  description: "A token for a script.",
  fields: (t) => ({
    name: t.string({ required: true, description: "What it is for." }),
    access: t.field({ type: AccessEnum, required: true, description: "What it may do." }),
    expiresInDays: t.int({ description: "1 to 3650; never expires when left out." }),
  }),
});

export const RevokeApiTokenInput = oneId("RevokeApiTokenInput", "A token to revoke.", "Which token.");
