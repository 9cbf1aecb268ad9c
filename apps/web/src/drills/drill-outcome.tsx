import { CircleCheck, CircleX, TriangleAlert } from "lucide-react";
import { RunStateBadge } from "#runs/run-state-badge.tsx";
import { Badge } from "#ui/badge.tsx";
import type { DrillRow } from "./drill-query.ts";

const outcomes: Readonly<
  Record<string, { readonly tone: "ok" | "bad" | "warn"; readonly icon: typeof CircleCheck; readonly text: string }>
> = {
  proven: { tone: "ok", icon: CircleCheck, text: "Proven" },
  failed: { tone: "bad", icon: CircleX, text: "Failed" },
  "not-possible": { tone: "warn", icon: TriangleAlert, text: "Could not be drilled here" },
  unreachable: { tone: "warn", icon: TriangleAlert, text: "Target out of reach" },
};

export function OutcomeBadge({ outcome }: { readonly outcome: string }) {
  const { tone, icon, text } = outcomes[outcome] ?? { tone: "warn", icon: TriangleAlert, text: outcome };
  return (
    <Badge tone={tone} icon={icon}>
      {text}
    </Badge>
  );
}

/** What came of a drill, or where its run is while nothing has. */
export function DrillOutcome({ run }: { readonly run: Pick<DrillRow, "drill" | "state"> }) {
  return run.drill === null ? <RunStateBadge state={run.state} /> : <OutcomeBadge outcome={run.drill.outcome} />;
}
