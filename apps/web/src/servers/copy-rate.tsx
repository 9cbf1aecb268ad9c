"use client";
import { useRouter } from "next/navigation";
import { type FormEvent, useState } from "react";
import { useAct } from "#lib/use-act.ts";
import { Button } from "#ui/button.tsx";
import { Actions } from "#ui/dialog.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { TextField } from "#ui/field.tsx";
import { Note } from "#ui/note.tsx";
import { UpdateServer } from "./update-server.ts";

interface Props {
  readonly server: { readonly id: string; readonly copyMaxRateKib: number | null };
}

/** How much of the line copies to the second repository may take. */
export function CopyRate({ server }: Props) {
  const router = useRouter();
  const stored = `${server.copyMaxRateKib ?? ""}`;
  const [text, setText] = useState(stored);
  const [saved, setSaved] = useState(false);
  const { act, pending, problem } = useAct(UpdateServer);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const copyMaxRateKib = text.trim() === "" ? null : Number(text);
    setSaved(false);
    if ((await act({ input: { id: server.id, copyMaxRateKib } })) === null) return;
    setSaved(true);
    router.refresh();
  };
  return (
    <form onSubmit={(event) => void submit(event)} className="space-y-4 border-t pt-4">
      <TextField
        label="Copies take at most"
        type="number"
        min={32}
        max={1_048_576}
        value={text}
        onChange={(event) => setText(event.target.value)}
        hint="KiB a second, backups and WAL each; empty: as the workers are set (COPY_MAX_RATE_KIB)"
      />
      {problem !== null && <ErrorPanel announce title="The limit was not saved" problem={problem} />}
      <div role="status" className="empty:hidden">
        {saved && text === stored && <Note kind="ok">Saved. Copies keep to it from the next one on.</Note>}
      </div>
      <Actions>
        <Button type="submit" pending={pending} disabled={text === stored}>
          Save limit
        </Button>
      </Actions>
    </form>
  );
}
