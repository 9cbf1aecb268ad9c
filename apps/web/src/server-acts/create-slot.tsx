"use client";
import { type FormEvent, useState } from "react";
import { graphql } from "#graphql/graphql.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { Button } from "#ui/button.tsx";
import { Actions, Dialog } from "#ui/dialog.tsx";
import { CheckField, TextField } from "#ui/field.tsx";
import { ActOutcome } from "./act-outcome.tsx";
import { useServerAct } from "./use-server-act.ts";

const CreateSlot = graphql(
  `
    mutation CreateSlot($input: CreateReplicationSlotInput!) {
      createReplicationSlot(input: $input) {
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

interface Props {
  readonly serverId: string;
  readonly blockedBy: string | null;
  readonly onDone: () => void;
}

export function CreateSlotDialog({ serverId, blockedBy, onDone }: Props) {
  const [open, setOpen] = useState(false);
  const creating = useServerAct(CreateSlot, onDone);
  const done = creating.result !== null;
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (creating.running) return;
    const form = new FormData(event.currentTarget);
    creating.start({
      input: { serverId, name: String(form.get("name")).trim(), reserveWal: form.get("reserve") !== null },
    });
  };
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => {
        creating.forget();
        setOpen(next);
      }}
      title="Create a replication slot"
      description="A physical slot. It keeps WAL on the server until its client has it: one that nobody uses fills the disk."
      trigger={
        <Button small blockedBy={blockedBy}>
          Create slot…
        </Button>
      }
    >
      <form onSubmit={submit} className="space-y-4">
        {!done && (
          <>
            <TextField
              label="Name"
              name="name"
              mono
              required
              maxLength={63}
              pattern="[a-z0-9_]+"
              title="Small letters, digits and underscores"
              spellCheck={false}
              hint="Small letters, digits and underscores."
            />
            <CheckField
              label="Keep WAL from now on"
              name="reserve"
              defaultChecked
              hint="Otherwise from the moment a client first uses it."
            />
          </>
        )}
        <ActOutcome act={creating} what="New slot" failure="No slot was created" />
        <Actions>
          <Button onClick={() => setOpen(false)}>{done ? "Done" : "Close"}</Button>
          {!done && (
            <Button type="submit" tone="primary" pending={creating.running}>
              Create slot
            </Button>
          )}
        </Actions>
      </form>
    </Dialog>
  );
}
