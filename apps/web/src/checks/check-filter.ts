import { type Severity, severities } from "#findings/severity.ts";

/** What the filter and the order of a list of checks depend on. */
export interface FilteredCheck {
  readonly id: string;
  readonly state: "OK" | "FOUND" | "NOT_ASKED";
  readonly severity: Severity;
}

export const stateChoices = ["FOUND", "OK", "NOT_ASKED", "ALL"] as const;
export const severityChoices = ["ALL", ...severities] as const;

export interface CheckFilter {
  readonly state: (typeof stateChoices)[number];
  readonly severity: (typeof severityChoices)[number];
}

/** What is to be mended, all of it. */
export const startingFilter: CheckFilter = { state: "FOUND", severity: "ALL" };

/**
 * The checks a filter lets through, the worst first and otherwise in their own order: a check that was looked at again
 * stays where it is. Those of `keep` stay although they no longer match, so that nothing vanishes under the reader.
 */
export function filterChecks<Check extends FilteredCheck>(
  checks: readonly Check[],
  filter: CheckFilter,
  keep: ReadonlySet<string> = new Set(),
): Check[] {
  return checks
    .filter(
      (check) => keep.has(check.id) || (matchesState(check, filter.state) && matchesSeverity(check, filter.severity)),
    )
    .toSorted((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity));
}

/** How many checks each choice would show, the other choice unchanged. */
export function countChoices(checks: readonly FilteredCheck[], filter: CheckFilter) {
  const count = (state: CheckFilter["state"], severity: CheckFilter["severity"]) =>
    checks.filter((check) => matchesState(check, state) && matchesSeverity(check, severity)).length;
  return {
    states: stateChoices.map((state) => ({ value: state, count: count(state, filter.severity) })),
    severities: severityChoices.map((severity) => ({ value: severity, count: count(filter.state, severity) })),
  };
}

/** What was found and prevents backups. */
export function blockingChecks<Check extends FilteredCheck>(checks: readonly Check[]): Check[] {
  return checks.filter((check) => check.state === "FOUND" && check.severity === "BLOCKS_BACKUP");
}

function matchesState(check: FilteredCheck, state: CheckFilter["state"]): boolean {
  return state === "ALL" || check.state === state;
}

function matchesSeverity(check: FilteredCheck, severity: CheckFilter["severity"]): boolean {
  return severity === "ALL" || check.severity === severity;
}
