"use client";
import { type FormEvent, useState } from "react";
import { graphql } from "#graphql/graphql.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { Button } from "#ui/button.tsx";
import { Actions, Dialog } from "#ui/dialog.tsx";
import { Field } from "#ui/field.tsx";
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
  const [open, setOpen] = useState(false);
  return (
    <Dialog
      open={open}
      onOpenChange={setOpen}
      title="Rotate the data key"
      description="What is stored stays as it is; what is stored from now on gets another key."
      trigger={<Button>Rotate…</Button>}
    >
      <Rotation repositoryId={repositoryId} othersNeedKeys={othersNeedKeys} />
    </Dialog>
  );
}

function Rotation({ repositoryId, othersNeedKeys }: Props) {
  const [input, setInput] = useState<{ readonly repositoryId: string; readonly keyTexts: string[] } | null>(
    othersNeedKeys ? null : { repositoryId, keyTexts: [] },
  );
  if (input !== null) {
    return (
      <PlannedKeyAct
        mutation={RotateRepositoryKeys}
        input={input}
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
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const lines = String(new FormData(event.currentTarget).get("keys") ?? "").split(/\r?\n/);
    // Blanks at the ends of a passphrase are part of it.
    setInput({ repositoryId, keyTexts: lines.filter((line) => line.trim() !== "") });
  };
  return (
    <form onSubmit={submit} className="space-y-4">
      <Field
        label="Passphrases and key files of the others"
        hint="One on each line. The workers' key and age recipients get the new data key by themselves; whoever is left out here opens what is there now, and nothing that comes."
      >
        {(control) => (
          <textarea
            {...control}
            name="keys"
            rows={3}
            spellCheck={false}
            autoComplete="off"
            className={`${control.className} py-2 font-mono [-webkit-text-security:disc]`}
          />
        )}
      </Field>
      <Actions>
        <Button type="submit" tone="primary">
          Show the plan
        </Button>
      </Actions>
    </form>
  );
}
