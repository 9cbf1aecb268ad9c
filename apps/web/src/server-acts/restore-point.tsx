"use client";
import { graphql } from "#graphql/graphql.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { Button } from "#ui/button.tsx";
import { TextField } from "#ui/field.tsx";
import { ServerActDialog } from "./server-act-dialog.tsx";
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
  const creating = useServerAct(CreateRestorePoint, onDone);
  return (
    <ServerActDialog
      act={creating}
      title="Create a restore point"
      description="A name for this moment, written into the WAL: a restore can stop there."
      trigger={<Button blockedBy={blockedBy}>Restore point…</Button>}
      does="Create restore point"
      what="Restore point"
      failure="No restore point was created"
      start={(form) => creating.start({ input: { serverId, name: String(form.get("name")).trim() } })}
    >
      <TextField
        label="Name"
        name="name"
        required
        maxLength={longestName}
        spellCheck={false}
        hint="For example: before-the-upgrade. PostgreSQL does not mind a name that was given before, and stops at the first."
      />
    </ServerActDialog>
  );
}
