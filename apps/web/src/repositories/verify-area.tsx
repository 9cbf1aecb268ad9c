"use client";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { graphql } from "#graphql/graphql.ts";
import { runPath } from "#lib/paths.ts";
import { useAct } from "#lib/use-act.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { ActDialog } from "#ui/act-dialog.tsx";
import { Button } from "#ui/button.tsx";
import { Choices } from "#ui/choices.tsx";

const VerifyAreaMutation = graphql(
  `
    mutation VerifyArea($input: VerifyAreaInput!) {
      verifyArea(input: $input) {
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

const tiers = [
  { value: "WHOLE", title: "Everything", words: "Each frame is opened, with the checksums of runs, files and pages." },
  { value: "STORED", title: "Stored bytes", words: "Each pack holds the bytes that were stored; nothing is opened." },
  {
    value: "METADATA",
    title: "Where everything is",
    words: "Each run points into a frame that is there; no data is read.",
  },
] as const;
type Tier = (typeof tiers)[number]["value"];

interface Props {
  readonly server: { readonly id: string; readonly name: string };
  readonly repositoryId: string;
}

/** Verifies all that a server has in the repository, each pack once. */
export function VerifyArea({ server, repositoryId }: Props) {
  const router = useRouter();
  const [tier, setTier] = useState<Tier>("WHOLE");
  const act = useAct(VerifyAreaMutation, true);
  const start = async () => {
    const payload = await act.act({ input: { serverId: server.id, repositoryId, tier } });
    if (payload?.run) router.push(runPath(payload.run.id));
    return false;
  };
  return (
    <ActDialog
      act={act}
      title={`Verify all backups of ${server.name}`}
      description="Each pack is read once, however many backups share it; what is found counts for all of them."
      trigger={
        <Button small aria-label={`Verify all backups of ${server.name}`}>
          Verify…
        </Button>
      }
      does="Verify"
      failure="The verification was not started"
      onAct={start}
    >
      <Choices legend="How deep" options={tiers} chosen={tier} onChoose={setTier} />
    </ActDialog>
  );
}
