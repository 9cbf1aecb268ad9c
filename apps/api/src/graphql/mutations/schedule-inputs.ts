import { builder } from "../builder.ts";
import { ScheduleKindEnum } from "../enums.ts";
import { oneId } from "./one-id.ts";

export const SetScheduleInput = builder.inputType("SetScheduleInput", {
  description: "One schedule per server and kind.",
  fields: (t) => ({
    serverId: t.id({ required: true, description: "Of which server." }),
    kind: t.field({ type: ScheduleKindEnum, required: true, description: "What it starts." }),
    cron: t.string({ required: true, description: "Five fields." }),
    zone: t.string({ required: true, description: "IANA time zone." }),
    enabled: t.boolean({ description: "Unchanged when left out; a new one is enabled." }),
  }),
});

export const RemoveScheduleInput = oneId("RemoveScheduleInput", "A schedule to remove.", "Which schedule.");
