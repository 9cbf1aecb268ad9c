"use client";
import { type ReactNode, useState } from "react";
import { Button } from "#ui/button.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { type CheckFilter, filterChecks, startingFilter } from "./check-filter.ts";
import { CheckFilters } from "./check-filters.tsx";
import { CheckItem, type SeenTimes, type ServerCheck } from "./check-item.tsx";

interface Props {
  readonly checks: readonly ServerCheck[];
  /** By check. */
  readonly seen?: ReadonlyMap<string, SeenTimes>;
  /** Shown whatever the filter says: what was just looked at again. */
  readonly keep?: ReadonlySet<string>;
  /** The filter when the owner keeps it (in the address); without it the list keeps its own. */
  readonly filter?: CheckFilter;
  readonly onFilter?: (filter: CheckFilter) => void;
  readonly recheckOf?: (check: ServerCheck) => ReactNode;
  readonly outcomeOf?: (check: ServerCheck) => ReactNode;
}

const noChecks: ReadonlySet<string> = new Set();

/** What was checked, what of it is to be mended first. The Readiness tab and "Add server" show the same list. */
export function CheckList({ checks, seen, keep = noChecks, recheckOf, outcomeOf, ...owner }: Props) {
  const [own, setOwn] = useState(startingFilter);
  const filter = owner.filter ?? own;
  const onFilter = owner.onFilter ?? setOwn;
  const shown = filterChecks(checks, filter, keep);
  return (
    <div>
      <div className="border-b px-4 py-3 sm:px-5">
        <CheckFilters checks={checks} filter={filter} onChange={onFilter} />
      </div>
      {shown.length === 0 ? (
        <NothingShown checks={checks} filter={filter} onFilter={onFilter} />
      ) : (
        <ul aria-label="Checks" className="divide-y">
          {shown.map((check) => (
            <CheckItem
              key={check.id}
              check={check}
              seen={seen?.get(check.id)}
              recheck={recheckOf?.(check)}
              outcome={outcomeOf?.(check)}
            />
          ))}
        </ul>
      )}
    </div>
  );
}

interface NothingProps {
  readonly checks: readonly ServerCheck[];
  readonly filter: CheckFilter;
  readonly onFilter: (filter: CheckFilter) => void;
}

function NothingShown({ checks, filter, onFilter }: NothingProps) {
  const clean = checks.every((check) => check.state !== "FOUND");
  const asked = checks.filter((check) => check.state !== "NOT_ASKED").length;
  return (
    <EmptyState
      title={clean && filter.state === "FOUND" ? "Nothing to mend" : "No check is like that"}
      action={<Button onClick={() => onFilter({ state: "ALL", severity: "ALL" })}>Show all checks</Button>}
    >
      {clean && filter.state === "FOUND" && `${asked} checks were made, and all of them are in order.`}
    </EmptyState>
  );
}
