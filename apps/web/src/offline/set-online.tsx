"use client";
import { useRouter } from "next/navigation";
import { graphql } from "#graphql/graphql.ts";
import { useAct } from "#lib/use-act.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { Button } from "#ui/button.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";

const SetServerOnline = graphql(
  `
    mutation SetServerOnline($input: SetServerOnlineInput!) {
      setServerOnline(input: $input) {
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

export function SetOnline({ serverId }: { readonly serverId: string }) {
  const router = useRouter();
  const { act, pending, problem } = useAct(SetServerOnline);
  return (
    <div className="shrink-0 space-y-2">
      <Button
        pending={pending}
        onClick={() => {
          void act({ input: { serverId } }).then((done) => done !== null && router.refresh());
        }}
      >
        Set online
      </Button>
      {problem !== null && <ErrorPanel announce title="The server is still offline" problem={problem} />}
    </div>
  );
}
