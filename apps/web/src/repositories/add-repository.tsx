"use client";
import { Plus } from "lucide-react";
import { useRouter } from "next/navigation";
import { type FormEvent, useEffect, useState } from "react";
import { graphql } from "#graphql/graphql.ts";
import { repositoryPath } from "#lib/paths.ts";
import { useAct } from "#lib/use-act.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { RunInline } from "#runs/run-inline.tsx";
import { useRun } from "#runs/use-run.ts";
import { Button } from "#ui/button.tsx";
import { Actions, Dialog } from "#ui/dialog.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { CheckField, Field, TextField } from "#ui/field.tsx";

const AddRepository = graphql(
  `
    mutation AddRepository($input: AddRepositoryInput!) {
      addRepository(input: $input) {
        repository {
          id
        }
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

export function AddRepositoryDialog() {
  return (
    <Dialog
      title="Add repository"
      description="A folder on the worker's machine, or a place in an object store. An empty one becomes a new repository; one of ours is opened."
      trigger={
        <Button tone="primary">
          <Plus aria-hidden className="size-4" /> Add repository
        </Button>
      }
    >
      <AddRepositoryForm />
    </Dialog>
  );
}

function AddRepositoryForm() {
  const router = useRouter();
  const { act, pending, problem } = useAct(AddRepository, true);
  const [made, setMade] = useState<{ readonly runId: string; readonly repositoryId: string | null } | null>(null);
  const [encrypted, setEncrypted] = useState(true);
  const watched = useRun(made?.runId ?? null);
  const attached = watched.run?.state === "SUCCEEDED";
  const repositoryId = made?.repositoryId ?? watched.run?.repository?.id ?? null;

  useEffect(() => {
    if (attached) router.push(repositoryId === null ? "/repositories" : repositoryPath(repositoryId));
  }, [attached, repositoryId, router]);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const keyText = String(form.get("key") ?? "").trim();
    const storeCredentials = String(form.get("credentials") ?? "").trim();
    const place = String(form.get("place")).trim();
    const payload = await act({
      input: {
        name: String(form.get("name")).trim(),
        url: place.startsWith("/") ? `file://${place}` : place,
        encrypted,
        keyText: keyText === "" ? null : keyText,
        storeCredentials: storeCredentials === "" ? null : storeCredentials,
      },
    });
    if (payload?.run) setMade({ runId: payload.run.id, repositoryId: payload.repository?.id ?? null });
  };

  const busy = pending || (made !== null && watched.run?.finishedAt == null);
  return (
    <form onSubmit={(event) => void submit(event)} className="space-y-4">
      <TextField label="Name" name="name" required maxLength={63} spellCheck={false} />
      <TextField
        label="Place"
        name="place"
        required
        mono
        spellCheck={false}
        placeholder="/srv/backups/tidemark"
        hint="An absolute path, s3://bucket/prefix?region=… or az://container/prefix?account=…"
      />
      <CheckField
        label="Encrypt what is stored"
        hint="The key stays with the workers; a recovery kit lets you read the backups without us."
        checked={encrypted}
        onChange={(event) => setEncrypted(event.target.checked)}
      />
      <details className="text-sm">
        <summary className="w-fit rounded text-accent">It is in an object store</summary>
        <div className="mt-3">
          <Field
            label="Credentials"
            hint="Lines like access_key_id = … and secret_access_key = …; only the workers can read them. Empty: what the workers have."
          >
            {(control) => (
              <textarea
                {...control}
                name="credentials"
                rows={3}
                spellCheck={false}
                autoComplete="off"
                className={`${control.className} py-2 font-mono`}
              />
            )}
          </Field>
        </div>
      </details>
      <details className="text-sm">
        <summary className="w-fit rounded text-accent">It exists already and is encrypted</summary>
        <div className="mt-3">
          <Field label="Key" hint="From its recovery kit.">
            {(control) => (
              <textarea
                {...control}
                name="key"
                rows={3}
                spellCheck={false}
                autoComplete="off"
                className={`${control.className} py-2 font-mono`}
              />
            )}
          </Field>
        </div>
      </details>
      {problem !== null && <ErrorPanel announce title="The repository was not added" problem={problem} />}
      {made !== null && <RunInline watched={watched} what="Attaching the repository" />}
      <Actions>
        <Button type="submit" tone="primary" pending={busy}>
          Attach repository
        </Button>
      </Actions>
    </form>
  );
}
