"use client";
import { RunInline } from "#runs/run-inline.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { Note } from "#ui/note.tsx";
import { ServerActView } from "./server-act-view.tsx";
import type { ServerAct } from "./use-server-act.ts";

interface Props {
  readonly act: Pick<ServerAct<never>, "problem" | "watched" | "result">;
  /** As in `Progress of the checkpoint`. */
  readonly what: string;
  /** As in `No checkpoint was made`. */
  readonly failure: string;
}

/** How an act goes, where it was asked for, and what came of it. */
export function ActOutcome({ act, what, failure }: Props) {
  return (
    <>
      {act.problem !== null && <ErrorPanel announce title={failure} problem={act.problem} />}
      {act.watched !== null && act.result === null && <RunInline watched={act.watched} what={what} />}
      <div role="status" className="empty:hidden">
        {act.result !== null && (
          <Note kind="ok">
            <ServerActView result={act.result} />
          </Note>
        )}
      </div>
    </>
  );
}
