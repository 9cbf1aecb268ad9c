"use client";
import { useRouter } from "next/navigation";
import { type FormEvent, useEffect, useState } from "react";
import { graphql } from "#graphql/graphql.ts";
import { sentence } from "#lib/format.ts";
import { useAct } from "#lib/use-act.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { RunInline } from "#runs/run-inline.tsx";
import { useRun } from "#runs/use-run.ts";
import { Button } from "#ui/button.tsx";
import { Actions } from "#ui/dialog.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { CheckField, SelectField } from "#ui/field.tsx";
import { Note } from "#ui/note.tsx";
import { Panel } from "#ui/panel.tsx";
import { CopyRate } from "./copy-rate.tsx";
import type { CopiedServer } from "./second-repository-fields.ts";

const SetSecondRepository = graphql(
  `
    mutation SetSecondRepository($input: SetSecondRepositoryInput!) {
      setSecondRepository(input: $input) {
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

const CopyBackups = graphql(
  `
    mutation CopyBackups($input: CopyBackupsInput!) {
      copyBackups(input: $input) {
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
  readonly server: CopiedServer;
  readonly repositories: readonly { readonly id: string; readonly name: string }[];
}

/** Where copies of the server's backups go, how far they are behind, and a copy now. */
export function SecondRepository({ server, repositories }: Props) {
  const router = useRouter();
  const [chosen, setChosen] = useState(server.copyTo?.id ?? "");
  const { act, pending, problem } = useAct(SetSecondRepository, true);
  const [runId, setRunId] = useState<string | null>(null);
  const watched = useRun(runId);
  const finished = watched.run?.finishedAt != null;
  const choices = repositories.filter(({ id }) => id !== server.repository.id);

  useEffect(() => {
    if (finished) router.refresh();
  }, [finished, router]);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const payload = await act({ input: { serverId: server.id, repositoryId: chosen === "" ? null : chosen } });
    if (payload === null) return;
    setRunId(payload.run?.id ?? null);
    router.refresh();
  };
  return (
    <Panel
      title="Second repository"
      description="A copy follows each backup, the newest first, sealed anew with that repository's keys. A restore falls over to it when the first cannot be reached."
    >
      <div className="space-y-4">
        {server.copyLag !== null && (
          <Note kind={server.copyLag.late ? "warn" : server.copyLag.missing === 0 ? "ok" : "info"}>
            {sentence(server.copyLag.sentence)}.
          </Note>
        )}
        {choices.length === 0 ? (
          <p className="text-sm text-muted">There is no other repository yet: add one under Repositories first.</p>
        ) : (
          <form onSubmit={(event) => void submit(event)} className="space-y-4">
            <SelectField label="Copies go to" value={chosen} onChange={(event) => setChosen(event.target.value)}>
              <option value="">Nowhere: there are no copies</option>
              {choices.map(({ id, name }) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
            </SelectField>
            {chosen === "" && server.copyTo !== null && (
              <Note>Copies that are in {server.copyTo.name} stay there; nothing is copied from then on.</Note>
            )}
            {problem !== null && <ErrorPanel announce title="The second repository was not set" problem={problem} />}
            {runId !== null && <RunInline watched={watched} what="The first copy" />}
            <Actions>
              <Button
                type="submit"
                tone="primary"
                pending={pending || (runId !== null && !finished)}
                disabled={chosen === (server.copyTo?.id ?? "")}
              >
                {chosen === "" ? "Copy no longer" : "Copy there"}
              </Button>
            </Actions>
          </form>
        )}
        {server.copyTo !== null && <CopyRate server={server} />}
        {server.copyTo !== null && <CopyNow server={server} />}
      </div>
    </Panel>
  );
}

function CopyNow({ server }: Pick<Props, "server">) {
  const router = useRouter();
  const { act, pending, problem } = useAct(CopyBackups, true);
  const [heal, setHeal] = useState(false);
  const [runId, setRunId] = useState<string | null>(null);
  const watched = useRun(runId);
  const finished = watched.run?.finishedAt != null;
  useEffect(() => {
    if (finished) router.refresh();
  }, [finished, router]);

  const copy = async () => {
    const payload = await act({ input: { serverId: server.id, heal } });
    if (payload?.run) setRunId(payload.run.id);
  };
  return (
    <div className="space-y-4 border-t pt-4">
      <CheckField
        label="Heal the first repository before"
        hint="Each of its packs is read; what is damaged or missing there is brought back from the copies. Copies found damaged are brought anew."
        checked={heal}
        onChange={(event) => setHeal(event.target.checked)}
      />
      {problem !== null && <ErrorPanel announce title="No copy was started" problem={problem} />}
      {runId !== null && <RunInline watched={watched} what={heal ? "Healing and copying" : "Copying"} />}
      <Button pending={pending || (runId !== null && !finished)} onClick={() => void copy()}>
        Copy now
      </Button>
    </div>
  );
}
