"use client";
import { type FormEvent, useState } from "react";
import { graphql } from "#graphql/graphql.ts";
import { useAct } from "#lib/use-act.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { Button } from "#ui/button.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { Field } from "#ui/field.tsx";
import { Panel } from "#ui/panel.tsx";
import { useMarkRun } from "./use-mark-run.tsx";

const AnnotateBackup = graphql(
  `
    mutation AnnotateBackup($input: AnnotateBackupInput!) {
      annotateBackup(input: $input) {
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

export function NoteForm({ backupId, note }: { readonly backupId: string; readonly note: string | null }) {
  const [text, setText] = useState(note ?? "");
  const [saved, setSaved] = useState(false);
  const { act, pending, problem } = useAct(AnnotateBackup, true);
  const mark = useMarkRun(() => setSaved(true));
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setSaved(false);
    const payload = await act({ input: { id: backupId, note: text } });
    if (payload !== null) mark.follow(payload.run?.id ?? null);
  };
  return (
    <Panel title="Note">
      <form onSubmit={(event) => void submit(event)} className="space-y-3">
        <Field label="Note" hint="Kept in the repository beside the backup.">
          {(control) => (
            <textarea
              {...control}
              rows={2}
              maxLength={4000}
              value={text}
              onChange={(event) => setText(event.target.value)}
              className={`${control.className} py-2`}
            />
          )}
        </Field>
        {problem !== null && <ErrorPanel announce title="The note was not saved" problem={problem} />}
        {mark.view}
        <div className="flex items-center justify-end gap-3">
          <span role="status" className="text-sm text-ok">
            {saved && text === (note ?? "") && "Saved."}
          </span>
          <Button type="submit" small pending={pending || mark.following} disabled={text === (note ?? "")}>
            Save note
          </Button>
        </div>
      </form>
    </Panel>
  );
}
