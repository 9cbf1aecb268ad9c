"use client";
import { graphql } from "#graphql/graphql.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { Button } from "#ui/button.tsx";
import { CheckField, TextField } from "#ui/field.tsx";
import { ServerActDialog } from "./server-act-dialog.tsx";
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
  const creating = useServerAct(CreateSlot, onDone);
  return (
    <ServerActDialog
      act={creating}
      title="Create a replication slot"
      description="A physical slot. It keeps WAL on the server until its client has it: one that nobody uses fills the disk."
      trigger={
        <Button small blockedBy={blockedBy}>
          Create slot…
        </Button>
      }
      does="Create slot"
      what="New slot"
      failure="No slot was created"
      start={(form) =>
        creating.start({
          input: { serverId, name: String(form.get("name")).trim(), reserveWal: form.get("reserve") !== null },
        })
      }
    >
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
    </ServerActDialog>
  );
}
