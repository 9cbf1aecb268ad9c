"use client";
import { useRouter } from "next/navigation";
import { type FormEvent, useEffect, useState } from "react";
import { graphql } from "#graphql/graphql.ts";
import { useAct } from "#lib/use-act.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { RunInline } from "#runs/run-inline.tsx";
import { useRun } from "#runs/use-run.ts";
import { Button } from "#ui/button.tsx";
import { Actions, Dialog } from "#ui/dialog.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { TextField } from "#ui/field.tsx";
import { Note } from "#ui/note.tsx";
import { SecretArea } from "#ui/secret-area.tsx";
import { NewKeyFields, readNewKey } from "./new-key-fields.tsx";

const AddRepositoryKey = graphql(
  `
    mutation AddRepositoryKey($input: AddRepositoryKeyInput!) {
      addRepositoryKey(input: $input) {
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

const RewrapRepositoryKey = graphql(
  `
    mutation RewrapRepositoryKey($input: RewrapRepositoryKeyInput!) {
      rewrapRepositoryKey(input: $input) {
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

/** Another key beside those there are. */
export function AddKey({ repositoryId }: { readonly repositoryId: string }) {
  const { act, pending, problem } = useAct(AddRepositoryKey, true);
  return (
    <Dialog
      title="Add a key"
      description="It opens the repository by itself: everything that is there and everything that comes."
      trigger={<Button>Add key…</Button>}
    >
      <KeyForm
        pending={pending}
        problem={problem}
        words={{ button: "Add key", acting: "Adding the key", done: "Added.", failed: "The key was not added" }}
        start={async (form) => {
          const label = String(form.get("label") ?? "").trim();
          const payload = await act({ input: { repositoryId, label: label || null, ...readNewKey(form) } });
          return payload?.run?.id ?? null;
        }}
      >
        <TextField label="Whose" name="label" maxLength={200} hint="For this list: a name, a place, a safe." />
      </KeyForm>
    </Dialog>
  );
}

/** Another key instead of one: its data keys are wrapped anew, and the old one opens nothing afterwards. */
export function ReplaceKey({ repositoryId }: { readonly repositoryId: string }) {
  const { act, pending, problem } = useAct(RewrapRepositoryKey, true);
  return (
    <Dialog
      title="Replace a key"
      description="A new passphrase, key file or recipient instead of an old one. The old one opens nothing afterwards."
      trigger={<Button>Replace…</Button>}
    >
      <KeyForm
        pending={pending}
        problem={problem}
        words={{
          button: "Replace key",
          acting: "Replacing the key",
          done: "Replaced. The old key opens the repository no longer.",
          failed: "The key was not replaced",
        }}
        start={async (form) => {
          const oldKeyText = String(form.get("old") ?? "");
          const payload = await act({ input: { repositoryId, oldKeyText, ...readNewKey(form) } });
          return payload?.run?.id ?? null;
        }}
      >
        <SecretArea
          label="The old passphrase or key file"
          hint="Not the key of the workers."
          name="old"
          rows={2}
          required
        />
      </KeyForm>
    </Dialog>
  );
}

interface KeyFormProps {
  readonly pending: boolean;
  readonly problem: ReturnType<typeof useAct>["problem"];
  readonly words: { readonly button: string; readonly acting: string; readonly done: string; readonly failed: string };
  /** Gives the run's id, or null when it was refused. */
  readonly start: (form: FormData) => Promise<string | null>;
  readonly children: React.ReactNode;
}

function KeyForm({ pending, problem, words, start, children }: KeyFormProps) {
  const router = useRouter();
  const [runId, setRunId] = useState<string | null>(null);
  const watched = useRun(runId);
  const done = watched.run?.state === "SUCCEEDED";
  useEffect(() => {
    if (done) router.refresh();
  }, [done, router]);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setRunId(await start(new FormData(event.currentTarget)));
  };
  if (done) {
    return (
      <div role="status">
        <Note kind="ok">{words.done}</Note>
      </div>
    );
  }
  return (
    <form onSubmit={(event) => void submit(event)} className="space-y-4">
      {children}
      <NewKeyFields />
      {problem !== null && <ErrorPanel announce title={words.failed} problem={problem} />}
      {runId !== null && <RunInline watched={watched} what={words.acting} />}
      <Actions>
        <Button type="submit" tone="primary" pending={pending || (runId !== null && watched.run?.finishedAt == null)}>
          {words.button}
        </Button>
      </Actions>
    </form>
  );
}
