"use client";
import { useRouter } from "next/navigation";
import { useEffect, useState } from "react";
import { sentence } from "#lib/format.ts";
import type { Problem } from "#lib/problem.ts";
import { RunInline } from "#runs/run-inline.tsx";
import { useRun } from "#runs/use-run.ts";
import { Button } from "#ui/button.tsx";
import { Actions } from "#ui/dialog.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { Note } from "#ui/note.tsx";

interface KeyPlan {
  readonly planHash: string;
  readonly sentences: readonly string[];
  readonly refusals: readonly string[];
}

interface Props {
  /**
   * Has the plan made (null) or the plan of that hash executed; gives the run's id, or null when it was refused. It is to
   * be the same function at each drawing: another one plans anew.
   */
  readonly start: (planHash: string | null) => Promise<string | null>;
  readonly pending: boolean;
  readonly problem: Problem | null;
  readonly words: {
    readonly planning: string;
    readonly acting: string;
    readonly button: string;
    readonly done: string;
    readonly failed: string;
  };
  readonly danger?: boolean;
  /** False: whoever shows this refreshes the page when it is left. */
  readonly refreshes?: boolean;
}

/** Plan → show → execute, of an act on the keys of a repository. */
export function PlannedKeyAct({ start, pending, problem, words, danger = false, refreshes = true }: Props) {
  const router = useRouter();
  const [planRunId, setPlanRunId] = useState<string | null>(null);
  const [runId, setRunId] = useState<string | null>(null);
  const planned = useRun(planRunId);
  const acted = useRun(runId);
  const plan = planned.run?.state === "SUCCEEDED" ? planOf(planned.run.result) : null;
  const done = acted.run?.state === "SUCCEEDED";

  useEffect(() => {
    void start(null).then(setPlanRunId);
  }, [start]);
  useEffect(() => {
    if (done && refreshes) router.refresh();
  }, [done, refreshes, router]);

  const execute = async (planHash: string) => {
    const id = await start(planHash);
    if (id !== null) setRunId(id);
  };
  return (
    <div className="space-y-4">
      {plan === null && planRunId !== null && <RunInline watched={planned} what={words.planning} />}
      {plan !== null && <PlanSentences plan={plan} />}
      {problem !== null && <ErrorPanel announce title={words.failed} problem={problem} />}
      {runId !== null && !done && <RunInline watched={acted} what={words.acting} />}
      <div role="status">{done && <Note kind="ok">{words.done}</Note>}</div>
      {plan !== null && plan.refusals.length === 0 && !done && (
        <Actions>
          <Button
            tone={danger ? "danger" : "primary"}
            pending={pending || (runId !== null && acted.run?.finishedAt == null)}
            onClick={() => void execute(plan.planHash)}
          >
            {words.button}
          </Button>
        </Actions>
      )}
    </div>
  );
}

function PlanSentences({ plan }: { readonly plan: KeyPlan }) {
  if (plan.refusals.length > 0) {
    return (
      <Note kind="warn">
        {plan.refusals.map((text) => (
          <p key={text}>It cannot be done: {text}.</p>
        ))}
      </Note>
    );
  }
  return (
    <ul className="list-disc space-y-1 ps-5 text-sm">
      {plan.sentences.map((text) => (
        <li key={text}>{sentence(text)}</li>
      ))}
    </ul>
  );
}

/** The plan in a run's result (packages/jobs, RepositoryKeysResult). */
function planOf(result: unknown): KeyPlan | null {
  return (result as { readonly plan?: KeyPlan | null } | null)?.plan ?? null;
}
