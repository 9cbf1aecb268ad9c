"use client";
import { useState } from "react";
import { graphql } from "#graphql/graphql.ts";
import { sentence } from "#lib/format.ts";
import { useAct } from "#lib/use-act.ts";
import { Button } from "#ui/button.tsx";
import { Actions, Dialog } from "#ui/dialog.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import type { RunDetail } from "./run-query.ts";

const CancelRunMutation = graphql(`
  mutation CancelRun($input: CancelRunInput!) {
    cancelRun(input: $input) {
      run {
        id
        state
        cancelRequestedAt
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

export function CancelRun({ run }: { readonly run: RunDetail }) {
  const [open, setOpen] = useState(false);
  const { act, pending, problem, clear } = useAct(CancelRunMutation);
  if (run.cancelRequestedAt !== null) return <Button disabled>Cancelling…</Button>;
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => {
        clear();
        setOpen(next);
      }}
      title="Cancel this run?"
      description={
        run.cancelEffect === null
          ? "It stops at the next safe point. Backups that exist are not touched."
          : sentence(run.cancelEffect)
      }
      trigger={<Button>Cancel run…</Button>}
    >
      {problem !== null && <ErrorPanel announce title="The run was not cancelled" problem={problem} />}
      <Actions>
        <Button onClick={() => setOpen(false)}>Keep running</Button>
        <Button
          tone="danger"
          pending={pending}
          onClick={() => {
            void act({ input: { id: run.id } }).then((done) => done !== null && setOpen(false));
          }}
        >
          Cancel run
        </Button>
      </Actions>
    </Dialog>
  );
}
