"use client";
import { useRouter } from "next/navigation";
import { type FormEvent, useState } from "react";
import { graphql } from "#graphql/graphql.ts";
import { runPath } from "#lib/paths.ts";
import { useAct } from "#lib/use-act.ts";
import { Button } from "#ui/button.tsx";
import { Actions, Dialog } from "#ui/dialog.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { SelectField, TextField } from "#ui/field.tsx";

const TakeBackupMutation = graphql(`
  mutation TakeBackup($input: TakeBackupInput!) {
    takeBackup(input: $input) {
      run {
        id
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

const kibPerMib = 1024;

export function TakeBackup({ server }: { readonly server: { readonly id: string; readonly name: string } }) {
  const router = useRouter();
  const [open, setOpen] = useState(false);
  const { act, pending, problem } = useAct(TakeBackupMutation, true);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const label = String(form.get("label")).trim();
    const rateMib = Number(form.get("rate"));
    const payload = await act({
      input: {
        serverId: server.id,
        checkpoint: form.get("checkpoint") === "SPREAD" ? "SPREAD" : "FAST",
        maxRateKib: rateMib > 0 ? Math.round(rateMib * kibPerMib) : null,
        label: label === "" ? null : label,
      },
    });
    if (payload?.run) router.push(runPath(payload.run.id));
  };

  return (
    <Dialog
      open={open}
      onOpenChange={setOpen}
      title={`Back up ${server.name} now`}
      description="The server goes on working; the copy is read over the replication protocol."
      trigger={<Button tone="primary">Back up now</Button>}
    >
      <form onSubmit={(event) => void submit(event)} className="space-y-4">
        <SelectField
          label="Checkpoint"
          name="checkpoint"
          hint="Fast starts at once and writes more for a moment; spread waits for the next one and is gentler."
        >
          <option value="FAST">Fast</option>
          <option value="SPREAD">Spread</option>
        </SelectField>
        <TextField
          label="Rate limit in MiB/s"
          name="rate"
          type="number"
          min={0.032}
          max={1024}
          step="any"
          inputMode="decimal"
          hint="Empty for none."
        />
        <TextField label="Label" name="label" maxLength={200} hint="Optional; shown in the list of backups." />
        {problem !== null && <ErrorPanel announce title="No backup was started" problem={problem} />}
        <Actions>
          <Button onClick={() => setOpen(false)}>Close</Button>
          <Button type="submit" tone="primary" pending={pending}>
            Start backup
          </Button>
        </Actions>
      </form>
    </Dialog>
  );
}
