"use client";
import { type FormEvent, useState } from "react";
import { graphql } from "#graphql/graphql.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { Button } from "#ui/button.tsx";
import { Actions, Dialog } from "#ui/dialog.tsx";
import { TextField } from "#ui/field.tsx";
import { ActOutcome } from "./act-outcome.tsx";
import { useServerAct } from "./use-server-act.ts";

const CreateRestorePoint = graphql(
  `
    mutation CreateRestorePoint($input: CreateRestorePointInput!) {
      createRestorePoint(input: $input) {
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

/** MAXFNAMELEN of xlog_internal.h is 64 with its end. */
const longestName = 63;

interface Props {
  readonly serverId: string;
  readonly blockedBy: string | null;
  readonly onDone: () => void;
}

export function RestorePointDialog({ serverId, blockedBy, onDone }: Props) {
  const [open, setOpen] = useState(false);
  const creating = useServerAct(CreateRestorePoint, onDone);
  const done = creating.result !== null;
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (creating.running) return;
    const name = String(new FormData(event.currentTarget).get("name")).trim();
    creating.start({ input: { serverId, name } });
  };
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => {
        creating.forget();
        setOpen(next);
      }}
      title="Create a restore point"
      description="A name for this moment, written into the WAL: a restore can stop there."
      trigger={<Button blockedBy={blockedBy}>Restore point…</Button>}
    >
      <form onSubmit={submit} className="space-y-4">
        {!done && (
          <TextField
            label="Name"
            name="name"
            required
            maxLength={longestName}
            spellCheck={false}
            hint="For example: before-the-upgrade. PostgreSQL does not mind a name that was given before, and stops at the first."
          />
        )}
        <ActOutcome act={creating} what="Restore point" failure="No restore point was created" />
        <Actions>
          <Button onClick={() => setOpen(false)}>{done ? "Done" : "Close"}</Button>
          {!done && (
            <Button type="submit" tone="primary" pending={creating.running}>
              Create restore point
            </Button>
          )}
        </Actions>
      </form>
    </Dialog>
  );
}
