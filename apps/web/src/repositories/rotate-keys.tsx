"use client";
import { useRouter } from "next/navigation";
import { useEffect, useState } from "react";
import { graphql } from "#graphql/graphql.ts";
import { sentence } from "#lib/format.ts";
import { useAct } from "#lib/use-act.ts";
import { RunInline } from "#runs/run-inline.tsx";
import { useRun } from "#runs/use-run.ts";
import { Button } from "#ui/button.tsx";
import { Actions, Dialog } from "#ui/dialog.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { Note } from "#ui/note.tsx";

const RotateRepositoryKeys = graphql(`
  mutation RotateRepositoryKeys($input: RotateRepositoryKeysInput!) {
    rotateRepositoryKeys(input: $input) {
      run {
        id
      }
      userErrors {
        code
        field
        message
        hint
      }
    }
  }
`);

interface KeyPlan {
  readonly planHash: string;
  readonly sentences: readonly string[];
}

/** Plan → show → execute: a new data key for what is stored from now on. */
export function RotateKeys({ repositoryId }: { readonly repositoryId: string }) {
  const [open, setOpen] = useState(false);
  return (
    <Dialog
      open={open}
      onOpenChange={setOpen}
      title="Rotate the data key"
      description="What is stored stays as it is; what is stored from now on gets another key."
      trigger={<Button>Rotate…</Button>}
    >
      <RotationPlan repositoryId={repositoryId} />
    </Dialog>
  );
}

function RotationPlan({ repositoryId }: { readonly repositoryId: string }) {
  const router = useRouter();
  const { act, pending, problem } = useAct(RotateRepositoryKeys);
  const [planRunId, setPlanRunId] = useState<string | null>(null);
  const [runId, setRunId] = useState<string | null>(null);
  const planned = useRun(planRunId);
  const rotated = useRun(runId);
  const plan = planned.run?.state === "SUCCEEDED" ? planOf(planned.run.result) : null;
  const done = rotated.run?.state === "SUCCEEDED";

  useEffect(() => {
    void act({ input: { repositoryId } }).then((payload) => setPlanRunId(payload?.run?.id ?? null));
  }, [act, repositoryId]);
  useEffect(() => {
    if (done) router.refresh();
  }, [done, router]);

  const rotate = async (planHash: string) => {
    const payload = await act({ input: { repositoryId, planHash } });
    if (payload?.run) setRunId(payload.run.id);
  };
  return (
    <div className="space-y-4">
      {plan === null && planRunId !== null && <RunInline watched={planned} what="Planning the rotation" />}
      {plan !== null && (
        <ul className="list-disc space-y-1 ps-5 text-sm">
          {plan.sentences.map((text) => (
            <li key={text}>{sentence(text)}</li>
          ))}
        </ul>
      )}
      {problem !== null && <ErrorPanel announce title="The key was not rotated" problem={problem} />}
      {runId !== null && !done && <RunInline watched={rotated} what="Rotating the key" />}
      <div role="status">{done && <Note kind="ok">Rotated. New backups are sealed with the new data key.</Note>}</div>
      {plan !== null && !done && (
        <Actions>
          <Button
            tone="primary"
            pending={pending || (runId !== null && rotated.run?.finishedAt == null)}
            onClick={() => void rotate(plan.planHash)}
          >
            Rotate now
          </Button>
        </Actions>
      )}
    </div>
  );
}

/** The plan in a run's result (packages/jobs, RepositoryKeysResult). */
function planOf(result: unknown): KeyPlan | null {
  return (result as { readonly plan?: KeyPlan | null } | null)?.plan ?? null;
}
