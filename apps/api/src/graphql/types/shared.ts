import { RemedyNeedsEnum } from "../enums.ts";
import { RemedyRef, RunErrorRef, UserErrorRef } from "../refs.ts";

UserErrorRef.implement({
  description: "Why a mutation was refused. Codes are stable; scripts match on them.",
  fields: (t) => ({
    code: t.exposeString("code", { description: "The stable code." }),
    field: t.exposeStringList("field", {
      nullable: true,
      description: "Path of the input field that is meant; null when it is none in particular.",
    }),
    message: t.exposeString("message", { description: "What failed and why, in a sentence." }),
    hint: t.exposeString("hint", { nullable: true, description: "What can be done next; null when nothing is known." }),
  }),
});

RunErrorRef.implement({
  description: "Why an act failed.",
  fields: (t) => ({
    code: t.exposeString("code", { description: "The stable code." }),
    message: t.exposeString("message", { description: "What failed, on what, and why." }),
    hint: t.exposeString("hint", { nullable: true, description: "What can be done next; null when nothing is known." }),
  }),
});

RemedyRef.implement({
  description: "What to paste where to mend something; each part is null when it does not apply.",
  fields: (t) => ({
    sql: t.string({
      nullable: true,
      description: "SQL to run as a superuser, complete as it is; a reload it needs is part of it.",
      resolve: (remedy) => remedy.sql ?? null,
    }),
    hba: t.string({
      nullable: true,
      description: "Lines to put above the others of pg_hba.conf.",
      resolve: (remedy) => remedy.hba ?? null,
    }),
    settings: t.string({
      nullable: true,
      description: "Lines of postgresql.conf.",
      resolve: (remedy) => remedy.settings ?? null,
    }),
    advice: t.string({
      nullable: true,
      description: "Words for what cannot be pasted.",
      resolve: (remedy) => remedy.advice ?? null,
    }),
    needs: t.field({
      type: RemedyNeedsEnum,
      nullable: true,
      description: "What it needs to take effect; null: nothing more.",
      resolve: (remedy) => remedy.needs ?? null,
    }),
  }),
});
