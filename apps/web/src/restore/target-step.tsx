"use client";
import { type FormEvent, useState } from "react";
import { useAct } from "#lib/use-act.ts";
import { Button } from "#ui/button.tsx";
import { Choices } from "#ui/choices.tsx";
import { Actions } from "#ui/dialog.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { Field, TextField } from "#ui/field.tsx";
import { Panel } from "#ui/panel.tsx";
import type { RecoveryInput } from "./restore-instant.ts";
import { PlanRestore, type RestoreChoice } from "./restore-query.ts";

interface Props {
  readonly server: { readonly id: string };
  readonly backup: RestoreChoice;
  /** To a point in time; null: to the end of the backup. */
  readonly recovery: RecoveryInput | null;
  readonly restoreRoots: readonly string[];
  readonly onBack: () => void;
  readonly onPlanned: (planRunId: string) => void;
}

const ways = [
  { value: "new", title: "A new directory", words: "Empty, or not there yet." },
  {
    value: "delta",
    title: "The data directory of a stopped server of the same cluster",
    words: "Only what differs is rewritten, and what the backup does not have is removed. A plan shows it first.",
  },
] as const;

const walWays = [
  {
    value: "COPY",
    title: "Put it into the directory",
    words: "It then recovers without us, on whatever machine.",
  },
  {
    value: "FETCH",
    title: "Fetch it while it recovers",
    words: "Its restore_command asks the repository: less to copy first, and a standby can go on for ever.",
  },
] as const;

/** Where to and what: nothing dangerous is filled in for anybody. */
export function TargetStep({ server, backup, recovery, restoreRoots, onBack, onPlanned }: Props) {
  const { act, pending, problem } = useAct(PlanRestore, true);
  const [mappings, setMappings] = useState<Readonly<Record<string, string>>>({});
  const [way, setWay] = useState<"new" | "delta">("new");
  const [wal, setWal] = useState<"COPY" | "FETCH">("COPY");

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const owner = String(form.get("owner")).trim();
    const databases = linesOf(form.get("databases"));
    const payload = await act({
      input: {
        serverId: server.id,
        backupId: recovery === null ? backup.id : null,
        recovery:
          recovery === null
            ? null
            : { ...recovery, wal, fetchConfig: wal === "FETCH" ? String(form.get("fetchConfig")).trim() : null },
        targetDirectory: String(form.get("directory")).trim(),
        tablespaces: backup.tablespaces.map(({ path }) => ({ from: path, to: (mappings[path] ?? "").trim() })),
        owner: owner === "" ? null : owner,
        delta: way === "delta",
        databases: databases.length === 0 ? null : databases,
      },
    });
    if (payload?.run) onPlanned(payload.run.id);
  };

  return (
    <form onSubmit={(event) => void submit(event)} className="space-y-5">
      <Panel
        title="Where"
        description="A place on a worker's machine. The server that was backed up is not touched, unless you name its own directory."
      >
        <div className="space-y-4">
          <Choices legend="Into what" options={ways} chosen={way} onChoose={setWay} />
          <TextField
            label="Directory"
            name="directory"
            mono
            required
            autoFocus
            spellCheck={false}
            pattern="/.*"
            title="An absolute path"
            hint={`An absolute path${restoreRoots.length === 0 ? "" : ` below ${restoreRoots.join(" or ")}`}${way === "new" ? ", empty or not there yet." : " of a stopped server, or of an unfinished restore."}`}
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
          <Field
            label="Only these databases"
            hint="One name on each line; empty: all of them. The others' files are left empty: they cannot be connected to, and can only be dropped."
          >
            {(control) => (
              <textarea
                {...control}
                name="databases"
                rows={2}
                spellCheck={false}
                autoComplete="off"
                className={`${control.className} py-2 font-mono`}
              />
            )}
          </Field>
          <TextField
            label="Owner of the files"
            name="owner"
            spellCheck={false}
            hint="A user of the worker's machine. Empty: whoever the worker runs as or, run by root, the owner of the directory."
          />
        </div>
      </Panel>
      {recovery !== null && (
        <Panel title="How the WAL comes to it">
          <div className="space-y-3">
            <Choices legend="Which way" options={walWays} chosen={wal} onChoose={setWal} />
            {wal === "FETCH" && (
              <TextField
                label="Configuration of tidemark wal fetch"
                name="fetchConfig"
                mono
                required
                spellCheck={false}
                pattern="/.*"
                title="An absolute path"
                hint="The file that `tidemark server host-config` wrote on the machine where the restored server will run."
              />
            )}
          </div>
        </Panel>
      )}
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

function linesOf(value: FormDataEntryValue | null): string[] {
  const lines = typeof value === "string" ? value.split(/\r?\n/) : [];
  return lines.map((line) => line.trim()).filter((line) => line !== "");
}
