"use client";
import { RunInline } from "#runs/run-inline.tsx";
import { Button } from "#ui/button.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import type { ServerCheck } from "./check-item.tsx";
import type { Inspecting } from "./use-inspection.ts";

interface ButtonProps {
  readonly check: ServerCheck;
  readonly inspecting: Inspecting;
  readonly blockedBy: string | null;
}

/** It keeps its place and the focus while the check is looked at. */
export function RecheckButton({ check, inspecting, blockedBy }: ButtonProps) {
  const own = inspecting.running && inspecting.subject === check.id;
  const other = inspecting.running && !own ? "Another check is being looked at." : null;
  return (
    <Button
      small
      aria-label={`Re-check this one: ${check.title}`}
      pending={own}
      blockedBy={blockedBy ?? other}
      onClick={() => inspecting.start(check.id)}
    >
      Re-check this one
    </Button>
  );
}

interface OutcomeProps {
  readonly check: ServerCheck;
  readonly inspecting: Inspecting;
  /** What the last look at this one alone said. */
  readonly looked: ServerCheck | undefined;
}

const outcomes = {
  OK: "Looked at again: in order now.",
  FOUND: "Looked at again: still so.",
  NOT_ASKED: "Looked at again: it could not be asked.",
} as const;

/** The run of a re-check in its own row, and what it said; a screen reader hears both. */
export function RecheckOutcome({ check, inspecting, looked }: OutcomeProps) {
  const { subject, problem, watched, running } = inspecting;
  const own = subject === check.id;
  const failed = watched?.run?.finishedAt != null && watched.run.state !== "SUCCEEDED";
  return (
    <>
      {own && problem !== null && <ErrorPanel announce title="It was not looked at" problem={problem} />}
      {own && watched !== null && (running || failed) && (
        <div className="my-2">
          <RunInline watched={watched} what="Re-check" />
        </div>
      )}
      <p role="status" className="mt-1.5 text-[0.8125rem] font-medium empty:hidden">
        {!(own && running) && looked !== undefined && outcomes[looked.state]}
      </p>
    </>
  );
}
