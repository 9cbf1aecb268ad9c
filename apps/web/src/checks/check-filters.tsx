"use client";
import { severityLooks } from "#findings/severity.ts";
import { Chips } from "#ui/chips.tsx";
import { type CheckFilter, countChoices, type FilteredCheck } from "./check-filter.ts";

const stateTitles = { FOUND: "Found", OK: "In order", NOT_ASKED: "Not asked", ALL: "All" } as const;

interface Props {
  readonly checks: readonly FilteredCheck[];
  readonly filter: CheckFilter;
  readonly onChange: (filter: CheckFilter) => void;
}

export function CheckFilters({ checks, filter, onChange }: Props) {
  const counts = countChoices(checks, filter);
  return (
    <div className="flex flex-wrap gap-x-8 gap-y-3">
      <Chips
        legend="Show"
        choices={counts.states.map((choice) => ({ ...choice, title: stateTitles[choice.value] }))}
        chosen={filter.state}
        onChoose={(state) => onChange({ ...filter, state })}
      />
      <Chips
        legend="Severity"
        choices={counts.severities.map((choice) => ({
          ...choice,
          title: choice.value === "ALL" ? "Any" : severityLooks[choice.value].text,
        }))}
        chosen={filter.severity}
        onChoose={(severity) => onChange({ ...filter, severity })}
      />
    </div>
  );
}
