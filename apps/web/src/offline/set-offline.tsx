"use client";
import { useRouter } from "next/navigation";
import { type FormEvent, useState } from "react";
import { graphql } from "#graphql/graphql.ts";
import { useAct } from "#lib/use-act.ts";
import { Button } from "#ui/button.tsx";
import { Actions, Dialog } from "#ui/dialog.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { TextField } from "#ui/field.tsx";

const SetServerOffline = graphql(`
  mutation SetServerOffline($input: SetServerOfflineInput!) {
    setServerOffline(input: $input) {
      server {
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

export function SetOffline({ server }: { readonly server: { readonly id: string; readonly name: string } }) {
  const router = useRouter();
  const [open, setOpen] = useState(false);
  const { act, pending, problem, clear } = useAct(SetServerOffline);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const reason = String(new FormData(event.currentTarget).get("reason")).trim();
    if ((await act({ input: { serverId: server.id, reason } })) === null) return;
    setOpen(false);
    router.refresh();
  };
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => {
        clear();
        setOpen(next);
      }}
      title={`Set ${server.name} offline`}
      description="Tidemark leaves the server alone: no scheduled backup, no inspection, no act reaches it, and what is missed is listed. Its backups can be verified, drilled and restored meanwhile."
      trigger={<Button>Set offline…</Button>}
    >
      <form onSubmit={(event) => void submit(event)} className="space-y-4">
        <TextField
          label="Reason"
          name="reason"
          required
          maxLength={500}
          hint="Whoever comes by reads it: for example, moved to new hardware until Monday."
        />
        {problem !== null && <ErrorPanel announce title="The server is still online" problem={problem} />}
        <Actions>
          <Button onClick={() => setOpen(false)}>Keep it online</Button>
          <Button type="submit" tone="primary" pending={pending}>
            Set offline
          </Button>
        </Actions>
      </form>
    </Dialog>
  );
}
