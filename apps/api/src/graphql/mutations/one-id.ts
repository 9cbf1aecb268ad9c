import { builder } from "../builder.ts";

/** An input that names one thing and asks nothing else. */
export function oneId(name: string, description: string, what: string) {
  return builder.inputType(name, {
    description,
    fields: (t) => ({ id: t.id({ required: true, description: what }) }),
  });
}
