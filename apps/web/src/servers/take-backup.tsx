"use client";
import { useRouter } from "next/navigation";
import { type FormEvent, useState } from "react";
import { graphql } from "#graphql/graphql.ts";
import { runPath } from "#lib/paths.ts";
import { useAct } from "#lib/use-act.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { Button } from "#ui/button.tsx";
import { Actions, Dialog } from "#ui/dialog.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { CheckField, SelectField, TextField } from "#ui/field.tsx";
import type { BackupMethod } from "./backup-methods.ts";
import { MethodFields, startingReaders } from "./method-fields.tsx";

const TakeBackupMutation = graphql(
  `
    mutation TakeBackup($input: TakeBackupInput!) {
      takeBackup(input: $input) {
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

const kibPerMib = 1024;

interface Props {
  readonly server: {
    readonly id: string;
    readonly name: string;
    readonly backupMethod: BackupMethod;
    readonly members: readonly { readonly name: string }[];
  };
  /** Why no backup can be taken now; null: one can. */
  readonly blockedBy: string | null;
}

export function TakeBackup({ server, blockedBy }: Props) {
  const [open, setOpen] = useState(false);
  return (
    <Dialog
      open={open}
      onOpenChange={setOpen}
      title={`Back up ${server.name} now`}
      description="The server goes on working meanwhile."
      trigger={
        <Button tone="primary" blockedBy={blockedBy}>
          Back up now
        </Button>
      }
    >
      <TakeBackupForm server={server} onClose={() => setOpen(false)} />
    </Dialog>
  );
}

interface FormProps extends Pick<Props, "server"> {
  readonly onClose: () => void;
}

function TakeBackupForm({ server, onClose }: FormProps) {
  const router = useRouter();
  const [method, setMethod] = useState(server.backupMethod);
  const { act, pending, problem } = useAct(TakeBackupMutation, true);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? "").trim();
    const rateMib = Number(text("rate"));
    const payload = await act({
      input: {
        serverId: server.id,
        method,
        readers: method === "READ_FILES" ? Number(text("readers")) || startingReaders : null,
        memberName: text("member") || null,
        checkpoint: text("checkpoint") === "SPREAD" ? "SPREAD" : "FAST",
        maxRateKib: rateMib > 0 ? Math.round(rateMib * kibPerMib) : null,
        label: text("label") || null,
        reading: form.get("full") === null ? "AUTO" : "FULL",
      },
    });
    if (payload?.run) router.push(runPath(payload.run.id));
  };

  return (
    <form onSubmit={(event) => void submit(event)} className="space-y-4">
      {server.members.length > 0 && (
        <SelectField
          label="From"
          name="member"
          hint="A standby takes the load of the copy off the primary; the backup is the same."
        >
          <option value="">{server.name}</option>
          {server.members.map(({ name }) => (
            <option key={name} value={name}>
              Member {name}
            </option>
          ))}
        </SelectField>
      )}
      <MethodFields method={method} onChange={setMethod} />
      <CheckField
        name="full"
        label="Read everything"
        hint="Also what did not change since the last backup. Each backup is complete either way; this one takes longer."
      />
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
        <Button onClick={onClose}>Close</Button>
        <Button type="submit" tone="primary" pending={pending}>
          Start backup
        </Button>
      </Actions>
    </form>
  );
}
