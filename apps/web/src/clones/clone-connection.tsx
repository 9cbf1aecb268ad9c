"use client";
import { useEffect, useState } from "react";
import { type Problem, toProblem } from "#lib/problem.ts";
import { useAct } from "#lib/use-act.ts";
import { RunInline } from "#runs/run-inline.tsx";
import { useRun } from "#runs/use-run.ts";
import { Button } from "#ui/button.tsx";
import { CodeBlock } from "#ui/code-block.tsx";
import { Actions, Dialog } from "#ui/dialog.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { RevealCloneConnection } from "./clone-query.ts";
import { readConnection } from "./read-connection.ts";

interface Props {
  readonly cloneId: string;
  readonly hostname: string | null;
  readonly blockedBy: string | null;
}

/** Fetches a clone's connection string and shows it until the dialog is closed; nothing keeps it. */
export function CloneConnection({ cloneId, hostname, blockedBy }: Props) {
  const [open, setOpen] = useState(false);
  return (
    <Dialog
      open={open}
      onOpenChange={setOpen}
      title="Connection"
      description={`For psql or any other client, on the machine the clone runs on${hostname === null ? "" : ` (${hostname})`}. The password is in it; it is gone from here when this is closed.`}
      trigger={
        <Button small blockedBy={blockedBy}>
          Connection…
        </Button>
      }
    >
      {open && <Revealed cloneId={cloneId} onClose={() => setOpen(false)} />}
    </Dialog>
  );
}

function Revealed({ cloneId, onClose }: { readonly cloneId: string; readonly onClose: () => void }) {
  const { act, problem } = useAct(RevealCloneConnection);
  const [order, setOrder] = useState<{ readonly runId: string; readonly token: string } | null>(null);
  const [connection, setConnection] = useState<string | null>(null);
  const [refusal, setRefusal] = useState<Problem | null>(null);
  const watched = useRun(order?.runId ?? null);
  const ready = watched.run?.state === "SUCCEEDED";

  useEffect(() => {
    let here = true;
    void act({ input: { id: cloneId } }).then((payload) => {
      if (here && payload?.run && payload.downloadToken)
        setOrder({ runId: payload.run.id, token: payload.downloadToken });
    });
    return () => {
      here = false;
    };
  }, [act, cloneId]);

  useEffect(() => {
    if (!ready || order === null) return;
    readConnection(cloneId, order.runId, order.token).then(setConnection, (error: unknown) =>
      setRefusal(toProblem(error)),
    );
  }, [ready, order, cloneId]);

  const failure = problem ?? refusal;
  return (
    <div className="space-y-4">
      {connection !== null && <CodeBlock what="Connection string" text={connection} />}
      {connection === null && order !== null && <RunInline watched={watched} what="Asking for the connection" />}
      {failure !== null && <ErrorPanel announce title="The connection cannot be shown" problem={failure} />}
      <Actions>
        <Button onClick={onClose}>Close</Button>
      </Actions>
    </div>
  );
}
