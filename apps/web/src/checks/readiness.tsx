"use client";
import { usePathname, useSearchParams } from "next/navigation";
import { useState } from "react";
import type { ResultOf } from "#graphql/graphql.ts";
import { withParams } from "#lib/paths.ts";
import { oneOf } from "#lib/search-params.ts";
import type { PrivilegesFields } from "#privileges/privileges-fields.ts";
import { PrivilegesPanel } from "#privileges/privileges-panel.tsx";
import { RunInline } from "#runs/run-inline.tsx";
import { Button } from "#ui/button.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { Panel } from "#ui/panel.tsx";
import { Time } from "#ui/time.tsx";
import { type CheckFilter, severityChoices, startingFilter, stateChoices } from "./check-filter.ts";
import type { SeenTimes, ServerCheck } from "./check-item.tsx";
import { CheckList } from "./check-list.tsx";
import { RecheckButton, RecheckOutcome } from "./recheck.tsx";
import { useFreshChecks } from "./use-fresh-checks.ts";
import { type Inspecting, useInspection } from "./use-inspection.ts";

interface Props {
  readonly serverId: string;
  readonly checks: readonly ServerCheck[];
  /** Null: never. */
  readonly inspectedAt: string | null;
  readonly privileges: ResultOf<typeof PrivilegesFields> | null;
  /** Of the open findings, by check. */
  readonly seen: readonly (SeenTimes & { readonly checkId: string })[];
  /** Why nothing may be asked of the server now; null: it may. */
  readonly blockedBy: string | null;
}

/** What the last inspection of a server found, and looking again: at one check or at all. */
export function Readiness({ serverId, checks, inspectedAt, privileges, seen, blockedBy }: Props) {
  const inspecting = useInspection(serverId);
  const fresh = useFreshChecks(checks, inspectedAt, inspecting);
  const [filter, setFilter] = useFilterOfAddress(fresh.forget);
  const all = <InspectAll inspecting={inspecting} never={inspectedAt === null} blockedBy={blockedBy} tone="plain" />;
  return (
    <>
      <Panel
        title="Checks"
        description={
          inspectedAt === null ? (
            "Not inspected yet."
          ) : (
            <>
              Inspected <Time at={inspectedAt} />.
            </>
          )
        }
        padded={false}
        action={all}
      >
        <WholeInspection inspecting={inspecting} />
        {inspectedAt === null && checks.length === 0 ? (
          <NeverInspected inspecting={inspecting} blockedBy={blockedBy} />
        ) : (
          <CheckList
            checks={fresh.checks}
            seen={new Map(seen.map((finding) => [finding.checkId, finding]))}
            keep={new Set(fresh.looked.keys())}
            filter={filter}
            onFilter={setFilter}
            recheckOf={(check) => <RecheckButton check={check} inspecting={inspecting} blockedBy={blockedBy} />}
            outcomeOf={(check) => (
              <RecheckOutcome check={check} inspecting={inspecting} looked={fresh.looked.get(check.id)} />
            )}
          />
        )}
      </Panel>
      {privileges !== null && (
        <PrivilegesPanel
          privileges={privileges}
          action={
            <Button
              blockedBy={blockedBy ?? (inspecting.running ? "An inspection is running." : null)}
              onClick={() => inspecting.start(null)}
            >
              Re-check privileges
            </Button>
          }
        />
      )}
    </>
  );
}

/** The filter stands in the address, too, so that it can be passed on. */
function useFilterOfAddress(onChange: () => void): readonly [CheckFilter, (filter: CheckFilter) => void] {
  const path = usePathname();
  const params = useSearchParams();
  const [filter, setFilter] = useState<CheckFilter>({
    state: oneOf(stateChoices, params.get("state")) ?? startingFilter.state,
    severity: oneOf(severityChoices, params.get("severity")) ?? startingFilter.severity,
  });
  const set = (next: CheckFilter) => {
    const { state, severity } = next;
    onChange();
    setFilter(next);
    const address = withParams(path, {
      state: state === startingFilter.state ? null : state,
      severity: severity === startingFilter.severity ? null : severity,
    });
    window.history.replaceState(null, "", address);
  };
  return [filter, set];
}

interface InspectProps {
  readonly inspecting: Inspecting;
  readonly blockedBy: string | null;
}

function InspectAll({
  inspecting,
  blockedBy,
  never,
  tone,
}: InspectProps & { readonly never: boolean; readonly tone: "plain" | "primary" }) {
  const single = inspecting.running && inspecting.subject !== null;
  return (
    <Button
      tone={tone}
      pending={inspecting.running && inspecting.subject === null}
      blockedBy={blockedBy ?? (single ? "A check is being looked at." : null)}
      onClick={() => inspecting.start(null)}
    >
      {never ? "Check now" : "Check all again"}
    </Button>
  );
}

/** How the inspection of everything goes; what single re-checks say stands at their checks. */
function WholeInspection({ inspecting }: { readonly inspecting: Inspecting }) {
  const { subject, problem, watched, running } = inspecting;
  if (subject !== null) return null;
  const ended = watched?.run?.state ?? null;
  return (
    <div className="border-b px-4 py-3 sm:px-5">
      {problem !== null && <ErrorPanel announce title="The server was not inspected" problem={problem} />}
      {watched !== null && (running || ended !== "SUCCEEDED") && <RunInline watched={watched} what="Inspection" />}
      {running && watched === null && <p className="text-sm text-muted">Asking for an inspection…</p>}
      <p role="status" className="text-sm empty:hidden">
        {!running && ended === "SUCCEEDED" && "Inspected just now."}
      </p>
    </div>
  );
}

function NeverInspected({ inspecting, blockedBy }: InspectProps) {
  return (
    <EmptyState
      title="This server was never inspected"
      action={<InspectAll inspecting={inspecting} blockedBy={blockedBy} never tone="primary" />}
    >
      An inspection reads settings, rights, slots and replication, changes nothing, and says what stands in the way of
      backups and WAL. Workers do it by themselves from time to time, too.
    </EmptyState>
  );
}
