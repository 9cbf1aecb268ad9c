"use client";
import { type FormEvent, useState } from "react";
import { useAct } from "#lib/use-act.ts";
import { Button } from "#ui/button.tsx";
import { Actions } from "#ui/dialog.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { TextField } from "#ui/field.tsx";
import { Panel } from "#ui/panel.tsx";
import { PlanRestore, type RestoreChoice } from "./restore-query.ts";

interface Props {
  readonly server: { readonly id: string };
  readonly backup: RestoreChoice;
  readonly restoreRoots: readonly string[];
  readonly onBack: () => void;
  readonly onPlanned: (planRunId: string) => void;
}

/** Where to: nothing dangerous is filled in for anybody. */
export function TargetStep({ server, backup, restoreRoots, onBack, onPlanned }: Props) {
  const { act, pending, problem } = useAct(PlanRestore, true);
  const [mappings, setMappings] = useState<Readonly<Record<string, string>>>({});

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const owner = String(form.get("owner")).trim();
    const payload = await act({
      input: {
        serverId: server.id,
        backupId: backup.id,
        targetDirectory: String(form.get("directory")).trim(),
        tablespaces: backup.tablespaces.map(({ path }) => ({ from: path, to: (mappings[path] ?? "").trim() })),
        owner: owner === "" ? null : owner,
      },
    });
    if (payload?.run) onPlanned(payload.run.id);
  };

  return (
    <form onSubmit={(event) => void submit(event)} className="space-y-5">
      <Panel
        title="Where"
        description="A place of its own on a worker's machine. The server that was backed up is not touched."
      >
        <div className="space-y-4">
          <TextField
            label="Directory"
            name="directory"
            mono
            required
            autoFocus
            spellCheck={false}
            pattern="/.*"
            title="An absolute path"
            hint={
              restoreRoots.length === 0
                ? "An absolute path that is empty or does not exist yet."
                : `An absolute path below ${restoreRoots.join(" or ")}, empty or not there yet.`
            }
          />
          {backup.tablespaces.map(({ oid, path }) => (
            <TextField
              key={oid}
              label={`New place of tablespace ${oid}`}
              mono
              required
              spellCheck={false}
              pattern="/.*"
              title="An absolute path"
              value={mappings[path] ?? ""}
              onChange={(event) => setMappings((before) => ({ ...before, [path]: event.target.value }))}
              hint={`It was ${path}. Empty or not there yet.`}
            />
          ))}
          <TextField
            label="Owner of the files"
            name="owner"
            spellCheck={false}
            hint="A user of the worker's machine. Empty: whoever the worker runs as or, run by root, the owner of the directory."
          />
        </div>
      </Panel>
      {problem !== null && <ErrorPanel announce title="The restore was not planned" problem={problem} />}
      <Actions>
        <Button onClick={onBack}>Back</Button>
        <Button type="submit" tone="primary" pending={pending}>
          Check and plan
        </Button>
      </Actions>
    </form>
  );
}
