"use client";
import { useRouter } from "next/navigation";
import { type FormEvent, useState } from "react";
import { graphql } from "#graphql/graphql.ts";
import { useAct } from "#lib/use-act.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { Button, LinkButton } from "#ui/button.tsx";
import { Actions, Dialog } from "#ui/dialog.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { TextField } from "#ui/field.tsx";
import { Note } from "#ui/note.tsx";
import { Panel } from "#ui/panel.tsx";

const RemoveServerMutation = graphql(
  `
    mutation RemoveServer($input: RemoveServerInput!) {
      removeServer(input: $input) {
        removedId
        sentence
        userErrors {
          ...UserErrorFields
        }
      }
    }
  `,
  [UserErrorFields],
);

export function RemoveServer({ server }: { readonly server: { readonly id: string; readonly name: string } }) {
  const router = useRouter();
  const [open, setOpen] = useState(false);
  const [typed, setTyped] = useState("");
  const [removed, setRemoved] = useState<string | null>(null);
  const { act, pending, problem } = useAct(RemoveServerMutation);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const payload = await act({ input: { id: server.id, confirmName: typed } });
    if (payload !== null) setRemoved(payload.sentence ?? `${server.name} was removed.`);
  };
  const leave = (next: boolean) => {
    setOpen(next);
    if (!next && removed !== null) router.push("/");
  };

  return (
    <Panel
      title="Remove server"
      description="Schedules stop and the stored connection is forgotten. Backups that exist stay in the repository."
    >
      <Dialog
        open={open}
        onOpenChange={leave}
        title={`Remove ${server.name}`}
        trigger={<Button>Remove server…</Button>}
      >
        {removed === null ? (
          <form onSubmit={(event) => void submit(event)} className="space-y-4">
            <TextField
              label={`Type ${server.name} to confirm`}
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
              spellCheck={false}
            />
            {problem !== null && <ErrorPanel announce title="The server was not removed" problem={problem} />}
            <Actions>
              <Button onClick={() => setOpen(false)}>Keep it</Button>
              <Button type="submit" tone="danger" pending={pending} disabled={typed !== server.name}>
                Remove server
              </Button>
            </Actions>
          </form>
        ) : (
          <>
            <div role="status">
              <Note kind="ok">{removed}</Note>
            </div>
            <Actions>
              <LinkButton tone="primary" href="/">
                To the servers
              </LinkButton>
            </Actions>
          </>
        )}
      </Dialog>
    </Panel>
  );
}
