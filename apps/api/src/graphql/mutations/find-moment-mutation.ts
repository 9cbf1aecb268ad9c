import { findMoment } from "../../use-cases/find-moment.ts";
import { builder } from "../builder.ts";
import { mutation } from "./define-mutation.ts";
import { keyText } from "./idempotency-key.ts";
import { runPayload } from "./payloads.ts";

mutation(
  "findMoment",
  "Searches the archived WAL for transactions that dropped or truncated tables, or deleted or updated many rows. The run's foundMoments are targets to restore to; the server itself is not asked.",
  builder.inputType("FindMomentInput", {
    description: "What to search for.",
    fields: (t) => ({
      serverId: t.id({ required: true, description: "In whose WAL." }),
      database: t.string({ required: true, description: "In which database." }),
      schema: t.string({ description: "Of the table; `public` when left out." }),
      table: t.string({
        description:
          "With its partitions and heirs, in the case PostgreSQL keeps; any table but the system's when left out.",
      }),
      from: t.string({
        required: true,
        description: "RFC 3339 with its zone: only what was committed from then on, by the server's clock.",
      }),
      to: t.string({ required: true, description: "RFC 3339 with its zone: and until then." }),
      leastRows: t.int({ description: "So many deleted or updated rows of a table are many; 1000 when left out." }),
      timeline: t.int({ description: "The newest that has WAL of that time when left out." }),
      mostMoments: t.int({ description: "Find no more, 1 to 1000; 100 when left out." }),
      idempotencyKey: t.string({ description: keyText }),
    }),
  }),
  runPayload("FindMomentPayload", "A search that was begun."),
  findMoment,
);
