"use client";
import { useRouter } from "next/navigation";
import { type FormEvent, useState } from "react";
import { graphql, type ResultOf } from "#graphql/graphql.ts";
import { sentence } from "#lib/format.ts";
import { useAct } from "#lib/use-act.ts";
import { useQuery } from "#lib/use-query.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { Button } from "#ui/button.tsx";
import { Actions } from "#ui/dialog.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { Note } from "#ui/note.tsx";
import { Panel } from "#ui/panel.tsx";
import { ApplyRetention } from "./apply-retention.tsx";
import { PolicyRules } from "./policy-rules.ts";
import { RetentionDecisions } from "./retention-decisions.tsx";
import { draftOf, toRetentionInput } from "./retention-draft.ts";
import { RetentionFields } from "./retention-fields.tsx";
import { RetentionForecast } from "./retention-forecast.tsx";
import { PreviewRetention } from "./retention-query.ts";

const UpdateRetention = graphql(
  `
    mutation UpdateRetention($input: UpdateServerInput!) {
      updateServer(input: $input) {
        server {
          id
          policy {
            ...PolicyRules
          }
        }
        userErrors {
          ...UserErrorFields
        }
      }
    }
  `,
  [PolicyRules, UserErrorFields],
);

interface Props {
  readonly server: {
    readonly id: string;
    readonly version: number;
    readonly policy: ResultOf<typeof PolicyRules>;
  };
}

/** The server's retention: change the numbers and see at once what each backup's fate would be, and why. */
export function RetentionSettings({ server }: Props) {
  const router = useRouter();
  const { policy } = server;
  const stored = draftOf(policy);
  const [draft, setDraft] = useState(stored);
  const [saved, setSaved] = useState(false);
  const update = useAct(UpdateRetention);
  const retention = toRetentionInput(draft);
  const changed = JSON.stringify(draft) !== JSON.stringify(stored);
  const preview = useQuery(PreviewRetention, { serverId: server.id, policy: retention });

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setSaved(false);
    const payload = await update.act({ input: { id: server.id, expectedVersion: server.version, retention } });
    if (payload === null) return;
    // A text of another tool has become numbers.
    if (payload.server !== null) setDraft(draftOf(payload.server.policy));
    setSaved(true);
    router.refresh();
  };

  return (
    <Panel title="Retention" description={sentence(policy.sentence)}>
      <form onSubmit={(event) => void submit(event)} className="space-y-4">
        <RetentionFields draft={draft} onChange={setDraft} />
        <section aria-label="Preview" aria-busy={preview.stale}>
          <h3 className="mb-2 text-sm font-medium">
            {changed ? "What these numbers would do" : "What the policy would do now"}
            {/* In words: text that is paled until the answer comes cannot be read meanwhile. */}
            {preview.stale && <span className="font-normal text-muted"> · computing…</span>}
          </h3>
          {preview.problem !== null && <ErrorPanel title="No preview" problem={preview.problem} />}
          {preview.value !== null && <RetentionDecisions preview={preview.value.previewRetention} />}
        </section>
        <RetentionForecast serverId={server.id} policy={retention} />
        {update.problem !== null && <ErrorPanel announce title="The policy was not saved" problem={update.problem} />}
        <div role="status">
          {saved && !changed && <Note kind="ok">Saved. Nothing is deleted until retention runs.</Note>}
        </div>
        <Actions>
          {changed ? (
            <Button onClick={() => setDraft(stored)}>Discard changes</Button>
          ) : (
            <ApplyRetention serverId={server.id} />
          )}
          <Button type="submit" tone="primary" pending={update.pending} disabled={!changed}>
            Save policy
          </Button>
        </Actions>
      </form>
    </Panel>
  );
}
