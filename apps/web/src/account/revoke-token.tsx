"use client";
import { useRouter } from "next/navigation";
import { graphql } from "#graphql/graphql.ts";
import { useAct } from "#lib/use-act.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { ActDialog } from "#ui/act-dialog.tsx";
import { Button } from "#ui/button.tsx";

const RevokeApiToken = graphql(
  `
    mutation RevokeApiToken($input: RevokeApiTokenInput!) {
      revokeApiToken(input: $input) {
        token {
          id
          revokedAt
        }
        userErrors {
          ...UserErrorFields
        }
      }
    }
  `,
  [UserErrorFields],
);

export function RevokeToken({ token }: { readonly token: { readonly id: string; readonly name: string } }) {
  const router = useRouter();
  const act = useAct(RevokeApiToken);
  const revoke = async () => {
    if ((await act.act({ input: { id: token.id } })) === null) return false;
    router.refresh();
    return true;
  };
  return (
    <ActDialog
      act={act}
      title={`Revoke ${token.name}`}
      description="Whatever uses it is refused from now on. This cannot be undone."
      trigger={
        <Button small aria-label={`Revoke ${token.name}`}>
          Revoke…
        </Button>
      }
      leaves="Keep it"
      does="Revoke token"
      tone="danger"
      failure="It was not revoked"
      onAct={revoke}
    />
  );
}
