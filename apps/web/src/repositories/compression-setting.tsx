"use client";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { graphql } from "#graphql/graphql.ts";
import { useAct } from "#lib/use-act.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { Button } from "#ui/button.tsx";
import { Actions } from "#ui/dialog.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { SelectField } from "#ui/field.tsx";
import { Note } from "#ui/note.tsx";
import { Panel } from "#ui/panel.tsx";

const UpdateRepository = graphql(
  `
    mutation UpdateRepository($input: UpdateRepositoryInput!) {
      updateRepository(input: $input) {
        repository {
          id
          compression
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
  readonly repository: { readonly id: string; readonly compression: string };
}

const choices = [
  ["auto", "Automatic: smaller while the store is slow, faster while the processors are"],
  ...[1, 3, 6, 9, 12, 15, 19].map((level) => [`zstd:${level}`, `zstd, level ${level}`] as const),
  ...[1, 6, 9].map((level) => [`gzip:${level}`, `gzip, level ${level}`] as const),
  ["lz4", "lz4: fast and larger"],
  ["none", "None"],
] as const;

/** How the frames of new backups are compressed. */
export function CompressionSetting({ repository }: Props) {
  const router = useRouter();
  const { act, pending, problem } = useAct(UpdateRepository);
  const [chosen, setChosen] = useState(repository.compression);
  const [saved, setSaved] = useState(false);
  // Another level may have been set by the command.
  const known = choices.some(([value]) => value === repository.compression);

  const save = async () => {
    setSaved(false);
    if ((await act({ input: { repositoryId: repository.id, compression: chosen } })) === null) return;
    setSaved(true);
    router.refresh();
  };
  return (
    <Panel title="Compression" description="It counts from the next backup on; what is stored stays as it is.">
      <div className="space-y-4">
        <SelectField label="Compress with" value={chosen} onChange={(event) => setChosen(event.target.value)}>
          {!known && <option value={repository.compression}>{repository.compression}</option>}
          {choices.map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </SelectField>
        {problem !== null && <ErrorPanel announce title="The compression was not changed" problem={problem} />}
        <div role="status" className="empty:hidden">
          {saved && <Note kind="ok">Saved. The next backup is compressed so.</Note>}
        </div>
        <Actions>
          <Button
            tone="primary"
            pending={pending}
            disabled={chosen === repository.compression}
            onClick={() => void save()}
          >
            Save compression
          </Button>
        </Actions>
      </div>
    </Panel>
  );
}
