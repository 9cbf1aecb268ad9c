import { CircleAlert, Info, OctagonAlert, OctagonPause } from "lucide-react";
import type { ServerCheckFields } from "#checks/check-fields.ts";
import type { ResultOf } from "#graphql/graphql.ts";

export type Severity = ResultOf<typeof ServerCheckFields>["severity"];

/** The worst first: the order of lists and filters. */
export const severities = ["BLOCKS_BACKUP", "BLOCKS_WAL", "RISK", "NOTE"] as const satisfies readonly Severity[];

/** A shape and a word for each, so that the colour is never the only sign. */
export const severityLooks = {
  BLOCKS_BACKUP: { icon: OctagonAlert, tone: "bad", className: "text-bad", text: "Blocks backups" },
  BLOCKS_WAL: { icon: OctagonPause, tone: "bad", className: "text-bad", text: "Blocks WAL" },
  RISK: { icon: CircleAlert, tone: "warn", className: "text-warn", text: "Risk" },
  NOTE: { icon: Info, tone: "busy", className: "text-busy", text: "Note" },
} as const satisfies Record<Severity, unknown>;

/** The worst first; among equals the order they come in. */
export function worstFirst<Found extends { readonly severity: Severity }>(
  findings: readonly Found[],
): readonly Found[] {
  return findings.toSorted((left, right) => severities.indexOf(left.severity) - severities.indexOf(right.severity));
}
