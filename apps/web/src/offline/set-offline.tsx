"use client";
import { useRouter } from "next/navigation";
import { graphql } from "#graphql/graphql.ts";
import { useAct } from "#lib/use-act.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { ActDialog } from "#ui/act-dialog.tsx";
import { Button } from "#ui/button.tsx";
import { TextField } from "#ui/field.tsx";

const SetServerOffline = graphql(
  `
    mutation SetServerOffline($input: SetServerOfflineInput!) {
      setServerOffline(input: $input) {
        server {
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

export function SetOffline({ server }: { readonly server: { readonly id: string; readonly name: string } }) {
  const router = useRouter();
  const act = useAct(SetServerOffline);
  const set = async (form: FormData) => {
    const reason = String(form.get("reason")).trim();
    if ((await act.act({ input: { serverId: server.id, reason } })) === null) return false;
    router.refresh();
    return true;
  };
  return (
    <ActDialog
      act={act}
      title={`Set ${server.name} offline`}
      description="Tidemark leaves the server alone: no scheduled backup, no inspection, no act reaches it, and what is missed is listed. Its backups can be verified, drilled and restored meanwhile."
      trigger={<Button>Set offline…</Button>}
      leaves="Keep it online"
      does="Set offline"
      failure="The server is still online"
      onAct={set}
    >
      <TextField
        label="Reason"
        name="reason"
        required
        maxLength={500}
        hint="Whoever comes by reads it: for example, moved to new hardware until Monday."
      />
    </ActDialog>
  );
}
