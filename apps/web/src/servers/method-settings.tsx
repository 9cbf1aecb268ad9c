"use client";
import { useRouter } from "next/navigation";
import { type FormEvent, useState } from "react";
import { useAct } from "#lib/use-act.ts";
import { Button } from "#ui/button.tsx";
import { Actions } from "#ui/dialog.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { Note } from "#ui/note.tsx";
import { Panel } from "#ui/panel.tsx";
import type { BackupMethod } from "./backup-methods.ts";
import { MethodChoice } from "./method-fields.tsx";
import { UpdateServer } from "./update-server.ts";

interface Props {
  readonly server: { readonly id: string; readonly version: number; readonly backupMethod: BackupMethod };
}

/** The server's own backup method: what schedules use, and what "Back up now" begins with. */
export function MethodSettings({ server }: Props) {
  const router = useRouter();
  const [method, setMethod] = useState(server.backupMethod);
  const [saved, setSaved] = useState(false);
  const { act, pending, problem } = useAct(UpdateServer);
  const changed = method !== server.backupMethod;

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setSaved(false);
    const input = { id: server.id, expectedVersion: server.version, backupMethod: method };
    if ((await act({ input })) === null) return;
    setSaved(true);
    router.refresh();
  };

  return (
    <Panel title="Backup method" description="Of the backups that schedules take, and where “Back up now” begins.">
      <form onSubmit={(event) => void submit(event)} className="space-y-4">
        <MethodChoice legend="How backups are taken" method={method} onChange={setMethod} />
        {problem !== null && <ErrorPanel announce title="The method was not saved" problem={problem} />}
        <div role="status">
          {saved && !changed && (
            <Note kind="ok">Saved. The next backup is taken this way, and Readiness judges the role by it.</Note>
          )}
        </div>
        <Actions>
          {changed && <Button onClick={() => setMethod(server.backupMethod)}>Discard change</Button>}
          <Button type="submit" tone="primary" pending={pending} disabled={!changed}>
            Save method
          </Button>
        </Actions>
      </form>
    </Panel>
  );
}
