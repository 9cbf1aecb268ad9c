"use client";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { runPath } from "#lib/paths.ts";
import { useAct } from "#lib/use-act.ts";
import { RunInline } from "#runs/run-inline.tsx";
import { useRun } from "#runs/use-run.ts";
import { Button } from "#ui/button.tsx";
import { Actions } from "#ui/dialog.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { CheckField } from "#ui/field.tsx";
import { Note } from "#ui/note.tsx";
import { Panel } from "#ui/panel.tsx";
import { PlanChecks, PlanReview } from "./restore-plan-view.tsx";
import { RunRestore } from "./restore-query.ts";

interface Props {
  readonly planRunId: string;
  readonly onBack: () => void;
}

/** The pre-flight list, the sentence that says what will happen, and the button that makes it happen. */
export function PlanStep({ planRunId, onBack }: Props) {
  const router = useRouter();
  const watched = useRun(planRunId);
  const { act, pending, problem } = useAct(RunRestore, true);
  const plan = watched.run?.restorePlan ?? null;
  const [confirmed, setConfirmed] = useState(false);
  const changesInPlace = plan?.delta != null && plan.delta.comparedFiles + plan.delta.removedCount > 0;

  const restore = async (planHash: string) => {
    const payload = await act({ input: { planRunId, planHash } });
    if (payload?.run) router.push(runPath(payload.run.id));
  };

  return (
    <div className="space-y-5">
      <Panel title="Pre-flight">
        <div className="space-y-4">
          {/* The run that made the checks succeeds whatever they found; beside a failed check that would confuse. */}
          {plan === null && <RunInline watched={watched} what="Pre-flight checks" />}
          {plan !== null && <PlanChecks plan={plan} />}
        </div>
      </Panel>
      {plan?.ok === true && (
        <Panel title="Review">
          <PlanReview plan={plan} />
        </Panel>
      )}
      {plan?.ok === true && changesInPlace && (
        <Panel title="Confirm">
          <CheckField
            label={`Change what is in ${plan.targetDirectory}`}
            hint="No server is running there, and nothing in it is needed as it is."
            checked={confirmed}
            onChange={(event) => setConfirmed(event.target.checked)}
          />
        </Panel>
      )}
      {plan?.ok === false && (
        <Note kind="warn">It cannot be restored like this. The failed check says what to change.</Note>
      )}
      {problem !== null && <ErrorPanel announce title="The restore was not started" problem={problem} />}
      <Actions>
        <Button onClick={onBack}>Back</Button>
        {plan?.ok === true && (
          <Button
            tone={changesInPlace ? "danger" : "primary"}
            pending={pending}
            blockedBy={changesInPlace && !confirmed ? "Confirm above that it may be changed" : null}
            onClick={() => void restore(plan.planHash)}
          >
            {changesInPlace ? "Rewrite what differs" : "Restore"}
          </Button>
        )}
      </Actions>
    </div>
  );
}
