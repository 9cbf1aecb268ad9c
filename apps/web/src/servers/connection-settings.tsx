"use client";
import { useRouter } from "next/navigation";
import { type FormEvent, useState } from "react";
import { ConnectionTestResult } from "#connection/connection-test-result.tsx";
import { useConnectionTest } from "#connection/use-connection-test.ts";
import { graphql } from "#graphql/graphql.ts";
import { serverPath } from "#lib/paths.ts";
import { useAct } from "#lib/use-act.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { RunInline } from "#runs/run-inline.tsx";
import { useRun } from "#runs/use-run.ts";
import { Button } from "#ui/button.tsx";
import { Actions } from "#ui/dialog.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { TextField } from "#ui/field.tsx";
import { Note } from "#ui/note.tsx";
import { Panel } from "#ui/panel.tsx";

const UpdateConnection = graphql(
  `
    mutation UpdateConnection($input: UpdateServerInput!) {
      updateServer(input: $input) {
        server {
          id
          name
          version
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

interface Props {
  readonly server: {
    readonly id: string;
    readonly name: string;
    readonly connection: string;
    readonly version: number;
  };
}

/** The server's name and connection. A stored password is never shown; a new connection string replaces the whole. */
export function ConnectionSettings({ server }: Props) {
  const router = useRouter();
  const test = useConnectionTest();
  const update = useAct(UpdateConnection);
  const [dsn, setDsn] = useState("");
  const [saved, setSaved] = useState(false);
  const [runId, setRunId] = useState<string | null>(null);
  const watched = useRun(runId);

  const save = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setSaved(false);
    const name = String(new FormData(event.currentTarget).get("name")).trim();
    const payload = await update.act({
      input: {
        id: server.id,
        expectedVersion: server.version,
        name: name === server.name ? null : name,
        dsn: dsn.trim() === "" ? null : dsn.trim(),
      },
    });
    if (payload === null) return;
    setSaved(true);
    setDsn("");
    setRunId(payload.run?.id ?? null);
    if (payload.server && payload.server.name !== server.name) router.replace(serverPath(payload.server, "settings"));
    router.refresh();
  };

  return (
    <Panel title="Connection" description={server.connection}>
      <form onSubmit={(event) => void save(event)} className="space-y-4">
        <TextField label="Name" name="name" defaultValue={server.name} required maxLength={63} />
        <TextField
          label="New connection string"
          name="dsn"
          mono
          value={dsn}
          onChange={(event) => setDsn(event.target.value)}
          placeholder="postgresql://tidemark:…@host:5432/postgres"
          spellCheck={false}
          hint="Empty keeps the stored one. It is sealed at once; nobody can read it back."
        />
        <ConnectionTestResult test={test} />
        {update.problem !== null && <ErrorPanel announce title="Nothing was saved" problem={update.problem} />}
        {runId !== null && <RunInline watched={watched} what="Check of the new connection" />}
        <div role="status">{saved && runId === null && <Note kind="ok">Saved.</Note>}</div>
        <Actions>
          <Button
            pending={test.starting}
            onClick={() => void test.start(dsn.trim() === "" ? { serverId: server.id } : { dsn: dsn.trim() })}
          >
            Test connection
          </Button>
          <Button type="submit" tone="primary" pending={update.pending}>
            Save connection
          </Button>
        </Actions>
      </form>
    </Panel>
  );
}
