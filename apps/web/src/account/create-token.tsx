"use client";
import { useRouter } from "next/navigation";
import { type FormEvent, useState } from "react";
import { graphql } from "#graphql/graphql.ts";
import { useAct } from "#lib/use-act.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { Button } from "#ui/button.tsx";
import { CodeBlock } from "#ui/code-block.tsx";
import { Actions, Dialog } from "#ui/dialog.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { SelectField, TextField } from "#ui/field.tsx";

const CreateApiToken = graphql(
  `
    mutation CreateApiToken($input: CreateApiTokenInput!) {
      createApiToken(input: $input) {
        secret
        userErrors {
          ...UserErrorFields
        }
      }
    }
  `,
  [UserErrorFields],
);

export function CreateToken() {
  const router = useRouter();
  const [open, setOpen] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const { act, pending, problem } = useAct(CreateApiToken);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const days = String(form.get("days"));
    const payload = await act({
      input: {
        name: String(form.get("name")).trim(),
        access: form.get("access") === "FULL" ? "FULL" : "READ_ONLY",
        expiresInDays: days === "" ? null : Number(days),
      },
    });
    if (payload === null) return;
    setSecret(payload.secret);
    router.refresh();
  };
  const change = (next: boolean) => {
    setOpen(next);
    setSecret(null);
  };

  return (
    <Dialog
      open={open}
      onOpenChange={change}
      title={secret === null ? "Create token" : "Your new token"}
      trigger={<Button small>Create token…</Button>}
    >
      {secret === null ? (
        <form onSubmit={(event) => void submit(event)} className="space-y-4">
          <TextField label="Name" name="name" required maxLength={100} hint="Who or what will use it." />
          <SelectField label="May" name="access">
            <option value="READ_ONLY">Read only</option>
            <option value="FULL">Read and act</option>
          </SelectField>
          <SelectField label="Expires" name="days" defaultValue="90">
            <option value="30">In 30 days</option>
            <option value="90">In 90 days</option>
            <option value="365">In a year</option>
            <option value="">Never</option>
          </SelectField>
          {problem !== null && <ErrorPanel announce title="No token was created" problem={problem} />}
          <Actions>
            <Button type="submit" tone="primary" pending={pending}>
              Create token
            </Button>
          </Actions>
        </form>
      ) : (
        <div role="status" className="space-y-4 text-sm">
          <p>It is shown this once. Copy it now; we keep only its hash.</p>
          <CodeBlock what="Token" text={secret} />
          <Actions>
            <Button tone="primary" onClick={() => change(false)}>
              Done
            </Button>
          </Actions>
        </div>
      )}
    </Dialog>
  );
}
