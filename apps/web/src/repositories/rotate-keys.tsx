"use client";
import { type FormEvent, useCallback, useState } from "react";
import { graphql } from "#graphql/graphql.ts";
import { useAct } from "#lib/use-act.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { Button } from "#ui/button.tsx";
import { Actions, Dialog } from "#ui/dialog.tsx";
import { SecretArea } from "#ui/secret-area.tsx";
import { PlannedKeyAct } from "./planned-key-act.tsx";

const RotateRepositoryKeys = graphql(
  `
    mutation RotateRepositoryKeys($input: RotateRepositoryKeysInput!) {
      rotateRepositoryKeys(input: $input) {
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
  readonly repositoryId: string;
  /** Whether somebody else opens it with a passphrase or key file: they get the new data key only with that at hand. */
  readonly othersNeedKeys: boolean;
}

/** Plan → show → execute: a new data key for what is stored from now on. */
export function RotateKeys({ repositoryId, othersNeedKeys }: Props) {
  return (
    <Dialog
      title="Rotate the data key"
      description="What is stored stays as it is; what is stored from now on gets another key."
      trigger={<Button>Rotate…</Button>}
    >
      <Rotation repositoryId={repositoryId} othersNeedKeys={othersNeedKeys} />
    </Dialog>
  );
}

function Rotation({ repositoryId, othersNeedKeys }: Props) {
  const [keyTexts, setKeyTexts] = useState<string[] | null>(othersNeedKeys ? null : []);
  if (keyTexts !== null) return <PlannedRotation repositoryId={repositoryId} keyTexts={keyTexts} />;
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const lines = String(new FormData(event.currentTarget).get("keys") ?? "").split(/\r?\n/);
    // Blanks at the ends of a passphrase are part of it.
    setKeyTexts(lines.filter((line) => line.trim() !== ""));
  };
  return (
    <form onSubmit={submit} className="space-y-4">
      <SecretArea
        label="Passphrases and key files of the others"
        hint="One on each line. The workers' key and age recipients get the new data key by themselves; whoever is left out here opens what is there now, and nothing that comes."
        name="keys"
        rows={3}
      />
      <Actions>
        <Button type="submit" tone="primary">
          Show the plan
        </Button>
      </Actions>
    </form>
  );
}

interface PlannedProps {
  readonly repositoryId: string;
  readonly keyTexts: string[];
}

function PlannedRotation({ repositoryId, keyTexts }: PlannedProps) {
  const { act, pending, problem } = useAct(RotateRepositoryKeys, true);
  const start = useCallback(
    async (planHash: string | null) => {
      const payload = await act({ input: { repositoryId, keyTexts, planHash } });
      return payload?.run?.id ?? null;
    },
    [act, repositoryId, keyTexts],
  );
  return (
    <PlannedKeyAct
      start={start}
      pending={pending}
      problem={problem}
      words={{
        planning: "Planning the rotation",
        acting: "Rotating the key",
        button: "Rotate now",
        done: "Rotated. New backups are sealed with the new data key. Recovery kits from before do not open them: save a new one.",
        failed: "The key was not rotated",
      }}
    />
  );
}
