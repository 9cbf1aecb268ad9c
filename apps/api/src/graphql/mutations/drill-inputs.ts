import type { InputFieldBuilder } from "@pothos/core";
import { builder, type Types } from "../builder.ts";
import { recoveryTargetFields } from "./recovery-target-fields.ts";

/** What clones, drills and a server's drill settings are asked; the use cases check values and limits, which REST shares. */

export const TrialTargetInput = builder.inputType("TrialTargetInput", {
  description: "To where a clone or a drill recovers. Which field is needed depends on the kind.",
  fields: recoveryTargetFields,
});

const ExpectedRowsInput = builder.inputType("ExpectedRowsInput", {
  description: "How many rows a table must have.",
  fields: (t) => ({
    database: t.string({ required: true, description: "In which database." }),
    table: t.string({ required: true, description: "As SQL names it: orders, sales.orders." }),
    rows: t.float({ required: true, description: "A whole number." }),
    tolerancePercent: t.float({ defaultValue: 0, description: "How many more or fewer are accepted." }),
  }),
});

const ExpectedAnswerInput = builder.inputType("ExpectedAnswerInput", {
  description: "A question in SQL and what it must give.",
  fields: (t) => ({
    name: t.string({ required: true, description: "What it is called in the evidence." }),
    database: t.string({ required: true, description: "In which database." }),
    sql: t.string({ required: true, description: "One statement; it runs read-only." }),
    expected: t.field({
      type: "JSON",
      required: true,
      description: 'The rows, each a list of values as text or null: [["42", null]].',
    }),
    timeoutMs: t.int({ defaultValue: 60_000, description: "Milliseconds it may take, 100 to 3600000." }),
  }),
});

const DrillExpectationsInput = builder.inputType("DrillExpectationsInput", {
  description: "What a drill shall find, beside what each one checks.",
  fields: (t) => ({
    rows: t.field({ type: [ExpectedRowsInput], description: "At most 100 tables." }),
    sql: t.field({ type: [ExpectedAnswerInput], description: "At most 100 questions." }),
    estimateTolerancePercent: t.float({
      description: "How far a table's count may be from the server's own estimate; not compared when left out.",
    }),
  }),
});

/** How to drill: the fields of a request, and of a server's own settings. */
export function drillFields(t: InputFieldBuilder<Types, "InputObject">) {
  return {
    target: t.field({
      type: TrialTargetInput,
      description: "To where; the end of the archived WAL usually, or of the backup where there is none.",
    }),
    behindSeconds: t.int({ description: "So long before the last archived commit; instead of a target." }),
    expectations: t.field({ type: DrillExpectationsInput, description: "What it shall find; all of it is replaced." }),
    maxBytes: t.string({ description: "Do not try a larger copy; decimal text." }),
    checkSeconds: t.int({ description: "For all checks together; 600 usually." }),
    replaySeconds: t.int({ description: "For the replay of WAL; 21600 usually." }),
  };
}

export const DrillSettingsInput = builder.inputType("DrillSettingsInput", {
  description: "How a server is drilled. What is left out is as usual.",
  fields: drillFields,
});
