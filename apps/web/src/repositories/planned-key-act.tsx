"use client";
import { useRouter } from "next/navigation";
import { useEffect, useState } from "react";
import type { TadaDocumentNode } from "#graphql/graphql.ts";
import { sentence } from "#lib/format.ts";
import { useAct } from "#lib/use-act.ts";
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

type KeyPayload = {
  readonly [field: string]: {
    readonly run: { readonly id: string } | null;
    readonly userErrors: readonly {
      readonly code: string;
      readonly field: readonly string[] | null;
      readonly message: string;
      readonly hint: string | null;
    }[];
  };
};

interface Props<V extends { readonly input: object }> {
  readonly mutation: TadaDocumentNode<KeyPayload, V>;
  /** Without a planHash, which this adds when the plan is executed. */
  readonly input: V["input"];
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

/** Plan → show → execute, of an act on the keys of a repository. `input` is to be the same object at each drawing. */
export function PlannedKeyAct<V extends { readonly input: object }>(props: Props<V>) {
  const { mutation, input, words, danger = false, refreshes = true } = props;
  const router = useRouter();
  const { act, pending, problem } = useAct(mutation);
  const [planRunId, setPlanRunId] = useState<string | null>(null);
  const [runId, setRunId] = useState<string | null>(null);
  const planned = useRun(planRunId);
  const acted = useRun(runId);
  const plan = planned.run?.state === "SUCCEEDED" ? planOf(planned.run.result) : null;
  const done = acted.run?.state === "SUCCEEDED";

  useEffect(() => {
    void act({ input } as V).then((payload) => setPlanRunId(payload?.run?.id ?? null));
  }, [act, input]);
  useEffect(() => {
    if (done && refreshes) router.refresh();
  }, [done, refreshes, router]);

  const execute = async (planHash: string) => {
    const payload = await act({ input: { ...input, planHash } } as unknown as V);
    if (payload?.run) setRunId(payload.run.id);
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
