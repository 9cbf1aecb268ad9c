"use client";
import { useRouter } from "next/navigation";
import { type FormEvent, useState } from "react";
import type { ResultOf } from "#graphql/graphql.ts";
import { sentence } from "#lib/format.ts";
import { useAct } from "#lib/use-act.ts";
import { UpdateServer } from "#servers/update-server.ts";
import { Button } from "#ui/button.tsx";
import { Actions } from "#ui/dialog.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { Note } from "#ui/note.tsx";
import { Panel } from "#ui/panel.tsx";
import type { PolicyTargets } from "./policy-rules.ts";
import { targetDraftOf, toTargetsInput } from "./target-draft.ts";
import { TargetFields } from "./target-fields.tsx";

interface Props {
  readonly server: {
    readonly id: string;
    readonly version: number;
    readonly policy: ResultOf<typeof PolicyTargets>;
    readonly verifications: readonly {
      readonly repository: { readonly id: string };
      readonly late: boolean;
      readonly sentence: string;
    }[];
  };
}

/** What is promised of the server, and how far the verifications are that it wants. */
export function TargetSettings({ server }: Props) {
  const router = useRouter();
  const stored = targetDraftOf(server.policy);
  const [draft, setDraft] = useState(stored);
  const [saved, setSaved] = useState(false);
  const update = useAct(UpdateServer);
  const targets = toTargetsInput(draft);
  const changed = JSON.stringify(draft) !== JSON.stringify(stored);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setSaved(false);
    if (targets === null) return;
    const payload = await update.act({ input: { id: server.id, expectedVersion: server.version, targets } });
    if (payload === null) return;
    setDraft(targetDraftOf(targets));
    setSaved(true);
    router.refresh();
  };

  return (
    <Panel
      title="Targets"
      description={sentence(server.policy.targetsSentence ?? "nothing beside the usual is promised")}
    >
      <form onSubmit={(event) => void submit(event)} className="space-y-4">
        <TargetFields draft={draft} onChange={setDraft} />
        {server.verifications.map((verification) => (
          <Note key={verification.repository.id} kind={verification.late ? "warn" : "ok"}>
            {sentence(verification.sentence)}
          </Note>
        ))}
        {update.problem !== null && <ErrorPanel announce title="The targets were not saved" problem={update.problem} />}
        <div role="status">
          {saved && !changed && <Note kind="ok">Saved. The server is measured by them from now on.</Note>}
        </div>
        <Actions>
          {changed && <Button onClick={() => setDraft(stored)}>Discard changes</Button>}
          <Button type="submit" tone="primary" pending={update.pending} disabled={!changed || targets === null}>
            Save targets
          </Button>
        </Actions>
      </form>
    </Panel>
  );
}
