import type { RunEvent } from "@tidemark/metadata";
import { badField } from "../use-cases/parse-input.ts";
import { requireRun } from "../use-cases/requirements.ts";
import { followRunEvents } from "../use-cases/run-events.ts";
import { builder } from "./builder.ts";
import { RunEventRef } from "./refs.ts";

builder.subscriptionType({ description: "Live answers, over SSE at POST or GET /graphql/stream." });

builder.subscriptionField("runEvents", (t) =>
  t.field({
    type: RunEventRef,
    description: "A run's log from after a sequence number on; ends when the run is final.",
    args: {
      runId: t.arg.id({ required: true, description: "Which run." }),
      afterSeq: t.arg.int({ defaultValue: 0, description: "The last number already seen; 0: from the beginning." }),
    },
    complexity: 100,
    subscribe: async (_root, { runId, afterSeq }, { services, signal }) => {
      const after = afterSeq ?? 0;
      if (after < 0) throw badField("afterSeq", "numbers begin at 1; 0 means from the beginning");
      const run = await requireRun(services, runId, "runId");
      return followRunEvents(services.metadata, run.id, after, signal);
    },
    resolve: (event: RunEvent) => event,
  }),
);
