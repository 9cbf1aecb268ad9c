"use client";
import { graphql } from "#graphql/graphql.ts";
import { sentence } from "#lib/format.ts";
import { useAct } from "#lib/use-act.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { ActDialog } from "#ui/act-dialog.tsx";
import { Button } from "#ui/button.tsx";
import type { RunDetail } from "./run-query.ts";

const CancelRunMutation = graphql(
  `
    mutation CancelRun($input: CancelRunInput!) {
      cancelRun(input: $input) {
        run {
          id
          state
          cancelRequestedAt
        }
        userErrors {
          ...UserErrorFields
        }
      }
    }
  `,
  [UserErrorFields],
);

export function CancelRun({ run }: { readonly run: RunDetail }) {
  const act = useAct(CancelRunMutation);
  if (run.cancelRequestedAt !== null) return <Button disabled>Cancelling…</Button>;
  return (
    <ActDialog
      act={act}
      title="Cancel this run?"
      description={
        run.cancelEffect === null
          ? "It stops at the next safe point. Backups that exist are not touched."
          : sentence(run.cancelEffect)
      }
      trigger={<Button>Cancel run…</Button>}
      leaves="Keep running"
      does="Cancel run"
      tone="danger"
      failure="The run was not cancelled"
      onAct={async () => (await act.act({ input: { id: run.id } })) !== null}
    />
  );
}
