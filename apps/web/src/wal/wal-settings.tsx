"use client";
import { useRouter } from "next/navigation";
import { type FormEvent, useState } from "react";
import { useAct } from "#lib/use-act.ts";
import { UpdateServer } from "#servers/update-server.ts";
import { Button } from "#ui/button.tsx";
import { Choices } from "#ui/choices.tsx";
import { Actions } from "#ui/dialog.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { CheckField } from "#ui/field.tsx";
import { Note } from "#ui/note.tsx";
import { Panel } from "#ui/panel.tsx";
import { PushSetUp } from "./push-set-up.tsx";
import type { Wal } from "./wal-fields.ts";
import { walModes } from "./wal-modes.ts";

interface Props {
  readonly server: {
    readonly id: string;
    readonly name: string;
    readonly version: number;
    readonly wal: Pick<Wal, "mode" | "synchronous">;
  };
}

/** How the server's WAL comes to us. */
export function WalSettings({ server }: Props) {
  const router = useRouter();
  const [mode, setMode] = useState(server.wal.mode);
  const [synchronous, setSynchronous] = useState(server.wal.synchronous);
  const [saved, setSaved] = useState(false);
  const { act, pending, problem } = useAct(UpdateServer);
  const changed = mode !== server.wal.mode || synchronous !== server.wal.synchronous;

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setSaved(false);
    const input = { id: server.id, expectedVersion: server.version, walMode: mode, synchronous };
    if ((await act({ input })) === null) return;
    setSaved(true);
    router.refresh();
  };
  const discard = () => {
    setMode(server.wal.mode);
    setSynchronous(server.wal.synchronous);
  };

  return (
    <Panel title="WAL" description="How it comes here, and so to which instants one can go back.">
      <form onSubmit={(event) => void submit(event)} className="space-y-4">
        <Choices legend="How WAL comes" options={walModes} chosen={mode} onChoose={setMode} />
        {mode === "STREAM" && (
          <CheckField
            label="Commits may wait for us"
            hint="What arrives is made durable at once. Commits then wait when synchronous_standby_names of the server names tidemark_sync, and stand still while no worker receives."
            checked={synchronous}
            onChange={(event) => setSynchronous(event.target.checked)}
          />
        )}
        {mode === "PUSH" && <PushSetUp serverName={server.name} />}
        {mode !== "STREAM" && server.wal.mode === "STREAM" && (
          <Note kind="warn">
            The slot goes on keeping WAL at the server until its disk is full: drop it on the Server tab once nobody
            streams from it any more.
          </Note>
        )}
        {problem !== null && <ErrorPanel announce title="The way of the WAL was not saved" problem={problem} />}
        <div role="status" className="empty:hidden">
          {saved && !changed && <Note kind="ok">Saved. The WAL tab shows what comes.</Note>}
        </div>
        <Actions>
          {changed && <Button onClick={discard}>Discard change</Button>}
          <Button type="submit" tone="primary" pending={pending} disabled={!changed}>
            Save WAL mode
          </Button>
        </Actions>
      </form>
    </Panel>
  );
}
