"use client";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { graphql } from "#graphql/graphql.ts";
import { useAct } from "#lib/use-act.ts";
import { Button } from "#ui/button.tsx";
import { Actions, Dialog } from "#ui/dialog.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";

const RevokeApiToken = graphql(`
  mutation RevokeApiToken($input: RevokeApiTokenInput!) {
    revokeApiToken(input: $input) {
      token {
        id
        revokedAt
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

export function RevokeToken({ token }: { readonly token: { readonly id: string; readonly name: string } }) {
  const router = useRouter();
  const [open, setOpen] = useState(false);
  const { act, pending, problem } = useAct(RevokeApiToken);
  const revoke = async () => {
    if ((await act({ input: { id: token.id } })) === null) return;
    setOpen(false);
    router.refresh();
  };
  return (
    <Dialog
      open={open}
      onOpenChange={setOpen}
      title={`Revoke ${token.name}`}
      description="Whatever uses it is refused from now on. This cannot be undone."
      trigger={
        <Button small aria-label={`Revoke ${token.name}`}>
          Revoke…
        </Button>
      }
    >
      {problem !== null && <ErrorPanel announce title="It was not revoked" problem={problem} />}
      <Actions>
        <Button onClick={() => setOpen(false)}>Keep it</Button>
        <Button tone="danger" pending={pending} onClick={() => void revoke()}>
          Revoke token
        </Button>
      </Actions>
    </Dialog>
  );
}
