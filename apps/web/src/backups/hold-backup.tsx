"use client";
import { useRouter } from "next/navigation";
import { type FormEvent, useState } from "react";
import { graphql } from "#graphql/graphql.ts";
import { useAct } from "#lib/use-act.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { Button } from "#ui/button.tsx";
import { Actions, Dialog } from "#ui/dialog.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { TextField } from "#ui/field.tsx";
import { useMarkRun } from "./use-mark-run.tsx";

const HoldBackup = graphql(
  `
    mutation HoldBackup($input: HoldBackupInput!) {
      holdBackup(input: $input) {
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

const ReleaseBackup = graphql(
  `
    mutation ReleaseBackup($input: ReleaseBackupInput!) {
      releaseBackup(input: $input) {
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

export function HoldBackupDialog({ backupId }: { readonly backupId: string }) {
  const [open, setOpen] = useState(false);
  return (
    <Dialog
      open={open}
      onOpenChange={setOpen}
      title="Hold this backup"
      description="A held backup is kept whatever the policy says, until it is released. The hold is written into the repository."
      trigger={<Button small>Hold…</Button>}
    >
      <HoldForm backupId={backupId} onDone={() => setOpen(false)} />
    </Dialog>
  );
}

function HoldForm({ backupId, onDone }: { readonly backupId: string; readonly onDone: () => void }) {
  const { act, pending, problem } = useAct(HoldBackup, true);
  const mark = useMarkRun(onDone);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const reason = String(new FormData(event.currentTarget).get("reason"));
    const payload = await act({ input: { id: backupId, reason } });
    if (payload !== null) mark.follow(payload.run?.id ?? null);
  };
  return (
    <form onSubmit={(event) => void submit(event)} className="space-y-4">
      <TextField label="Reason" name="reason" required maxLength={500} />
      {problem !== null && <ErrorPanel announce title="The backup is not held" problem={problem} />}
      {mark.view}
      <Actions>
        <Button type="submit" tone="primary" pending={pending || mark.following}>
          Hold backup
        </Button>
      </Actions>
    </form>
  );
}

export function ReleaseBackupButton({ backupId }: { readonly backupId: string }) {
  const router = useRouter();
  const { act, pending, problem } = useAct(ReleaseBackup, true);
  const mark = useMarkRun(() => router.refresh());
  const release = async () => {
    const payload = await act({ input: { id: backupId } });
    if (payload !== null) mark.follow(payload.run?.id ?? null);
  };
  return (
    <div className="space-y-2">
      <Button small pending={pending || mark.following} onClick={() => void release()}>
        Release hold
      </Button>
      {problem !== null && <ErrorPanel announce title="The hold was not released" problem={problem} />}
      {mark.view}
    </div>
  );
}
