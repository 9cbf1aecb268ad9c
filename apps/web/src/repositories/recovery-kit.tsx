"use client";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { graphql } from "#graphql/graphql.ts";
import { type Problem, toProblem } from "#lib/problem.ts";
import { useAct } from "#lib/use-act.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { RunInline } from "#runs/run-inline.tsx";
import { useRun } from "#runs/use-run.ts";
import { Button } from "#ui/button.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { Note } from "#ui/note.tsx";
import { Panel } from "#ui/panel.tsx";
import { Time } from "#ui/time.tsx";
import { downloadKit } from "./download-kit.ts";

const RequestKit = graphql(
  `
    mutation RequestRecoveryKit($input: RequestRecoveryKitInput!) {
      requestRecoveryKit(input: $input) {
        run {
          id
        }
        downloadToken
        userErrors {
          ...UserErrorFields
        }
      }
    }
  `,
  [UserErrorFields],
);

const ConfirmKit = graphql(
  `
    mutation ConfirmRecoveryKit($input: ConfirmRecoveryKitInput!) {
      confirmRecoveryKit(input: $input) {
        repository {
          id
          recoveryKitSavedAt
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
  readonly repository: { readonly id: string; readonly name: string; readonly recoveryKitSavedAt: string | null };
}

/** Ask for the kit, download it once, and say that it is safe. */
export function RecoveryKit({ repository }: Props) {
  const router = useRouter();
  const ask = useAct(RequestKit);
  const confirm = useAct(ConfirmKit);
  const [order, setOrder] = useState<{ readonly runId: string; readonly token: string } | null>(null);
  const [downloaded, setDownloaded] = useState(false);
  const [refusal, setRefusal] = useState<Problem | null>(null);
  const watched = useRun(order?.runId ?? null);
  const ready = watched.run?.state === "SUCCEEDED";

  const request = async (form: "TEXT" | "PAGE") => {
    setDownloaded(false);
    setRefusal(null);
    const payload = await ask.act({ input: { repositoryId: repository.id, form } });
    if (payload?.run && payload.downloadToken) setOrder({ runId: payload.run.id, token: payload.downloadToken });
  };
  const download = () => {
    if (order === null) return;
    downloadKit(repository, order).then(
      () => setDownloaded(true),
      (error: unknown) => setRefusal(toProblem(error)),
    );
  };
  const confirmSaved = async () => {
    if ((await confirm.act({ input: { repositoryId: repository.id } })) !== null) router.refresh();
  };
  const failures = [
    { title: "The recovery kit was not packed", problem: ask.problem },
    { title: "That it is saved was not noted", problem: confirm.problem },
    { title: "The recovery kit was not downloaded", problem: refusal },
  ];

  return (
    <Panel
      title="Recovery kit"
      description="The keys and the words that read these backups without us. Keep it away from this machine."
    >
      <div className="space-y-4">
        {repository.recoveryKitSavedAt === null ? (
          <Note kind="warn">
            Nobody has said yet that the kit is safe. If this machine is lost, the backups cannot be read without it.
          </Note>
        ) : (
          <Note kind="ok">
            Saved, as somebody said <Time at={repository.recoveryKitSavedAt} />.
          </Note>
        )}
        {order !== null && !ready && <RunInline watched={watched} what="Packing the recovery kit" />}
        <div role="status">
          {downloaded && (
            <p className="text-sm">The kit was downloaded. Put it where you would look for it without this machine.</p>
          )}
        </div>
        {failures.map(
          ({ title, problem }) =>
            problem !== null && <ErrorPanel key={title} announce title={title} problem={problem} />,
        )}
        <div className="flex flex-wrap gap-2">
          {ready && !downloaded ? (
            <Button tone="primary" onClick={download}>
              Download
            </Button>
          ) : (
            <Button
              pending={ask.pending || (order !== null && watched.run?.finishedAt == null)}
              onClick={() => void request("TEXT")}
            >
              Get recovery kit
            </Button>
          )}
          {!(ready && !downloaded) && (
            <Button
              pending={ask.pending || (order !== null && watched.run?.finishedAt == null)}
              onClick={() => void request("PAGE")}
            >
              Get it as a page to print
            </Button>
          )}
          {(downloaded || repository.recoveryKitSavedAt === null) && (
            <Button
              tone={downloaded ? "primary" : "plain"}
              pending={confirm.pending}
              onClick={() => void confirmSaved()}
            >
              I have saved it
            </Button>
          )}
        </div>
      </div>
    </Panel>
  );
}
