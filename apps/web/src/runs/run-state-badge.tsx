import { Ban, CircleCheck, CircleX, Clock, Hourglass, LoaderCircle, Unplug } from "lucide-react";
import type { ResultOf } from "#graphql/graphql.ts";
import { Badge } from "#ui/badge.tsx";
import type { RunRowFields } from "./run-fields.ts";

export type RunState = ResultOf<typeof RunRowFields>["state"];

const looks = {
  QUEUED: { tone: "neutral", icon: Clock, text: "Queued" },
  WAITING: { tone: "neutral", icon: Hourglass, text: "Waiting" },
  RUNNING: { tone: "busy", icon: LoaderCircle, text: "Running" },
  SUCCEEDED: { tone: "ok", icon: CircleCheck, text: "Succeeded" },
  FAILED: { tone: "bad", icon: CircleX, text: "Failed" },
  INTERRUPTED: { tone: "warn", icon: Unplug, text: "Interrupted" },
  CANCELLED: { tone: "warn", icon: Ban, text: "Cancelled" },
} as const satisfies Record<RunState, unknown>;

export function RunStateBadge({ state }: { readonly state: RunState }) {
  const { tone, icon, text } = looks[state];
  return (
    <Badge tone={tone} icon={icon}>
      {text}
    </Badge>
  );
}
