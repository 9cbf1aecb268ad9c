"use client";
import { useRouter } from "next/navigation";
import { useEffect, useState } from "react";
import { graphql, type ResultOf } from "#graphql/graphql.ts";
import { bytes, sentence } from "#lib/format.ts";
import { runPath } from "#lib/paths.ts";
import { useAct } from "#lib/use-act.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { Button } from "#ui/button.tsx";
import { Actions, Dialog } from "#ui/dialog.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { Note } from "#ui/note.tsx";

const DeleteBackup = graphql(
  `
    mutation DeleteBackup($input: DeleteBackupInput!) {
      deleteBackup(input: $input) {
        plan {
          planHash
          sentence
          consequences
          freedBytesAtLeast
          allowed
        }
        run {
          id
        }
        userErrors {
          ...UserErrorFields
        }
      }
    }
  `,
  [UserErrorFields],
);

type DeletePlan = NonNullable<ResultOf<typeof DeleteBackup>["deleteBackup"]["plan"]>;

/** Plan → show → execute. A plan that has gone stale is refused by the api and made anew here. */
export function DeleteBackupDialog({ backupId }: { readonly backupId: string }) {
  const [open, setOpen] = useState(false);
  return (
    <Dialog open={open} onOpenChange={setOpen} title="Delete this backup" trigger={<Button small>Delete…</Button>}>
      <DeletePlanView backupId={backupId} onKeep={() => setOpen(false)} />
    </Dialog>
  );
}

function DeletePlanView({ backupId, onKeep }: { readonly backupId: string; readonly onKeep: () => void }) {
  const router = useRouter();
  const [plan, setPlan] = useState<DeletePlan | null>(null);
  const { act: makePlan, problem: planProblem } = useAct(DeleteBackup);
  const { act: execute, pending, problem } = useAct(DeleteBackup, true);

  useEffect(() => {
    void makePlan({ input: { id: backupId } }).then((payload) => setPlan(payload?.plan ?? null));
  }, [makePlan, backupId]);

  const remove = async (planHash: string) => {
    const payload = await execute({ input: { id: backupId, planHash } });
    if (payload?.run) return router.push(runPath(payload.run.id));
    const fresh = await makePlan({ input: { id: backupId } });
    if (fresh?.plan) setPlan(fresh.plan);
  };

  if (planProblem !== null) return <ErrorPanel title="It cannot be deleted" problem={planProblem} />;
  if (plan === null) return <p className="text-sm text-muted">Making the plan…</p>;
  return (
    <div className="space-y-4 text-sm">
      <p className="font-medium">{sentence(plan.sentence)}</p>
      <ul className="list-disc space-y-1 ps-5">
        {plan.consequences.map((consequence) => (
          <li key={consequence}>{sentence(consequence)}</li>
        ))}
      </ul>
      {plan.freedBytesAtLeast !== null && <p>Frees at least {bytes(plan.freedBytesAtLeast)}.</p>}
      {!plan.allowed && <Note kind="warn">It may not be deleted now, for the reasons above.</Note>}
      {problem !== null && <ErrorPanel announce title="It was not deleted" problem={problem} />}
      <Actions>
        <Button onClick={onKeep}>Keep it</Button>
        {plan.allowed && (
          <Button tone="danger" pending={pending} onClick={() => void remove(plan.planHash)}>
            Delete backup
          </Button>
        )}
      </Actions>
    </div>
  );
}
