"use client";
import { Choices } from "#ui/choices.tsx";
import { Note } from "#ui/note.tsx";
import { Panel } from "#ui/panel.tsx";
import type { ServerDraft } from "./draft.ts";

interface Props {
  readonly duplicate: { readonly asMember: boolean; readonly server: { readonly name: string } };
  readonly chosen: ServerDraft["sameSystemAs"];
  readonly onChoose: (choice: "MEMBER" | "COPY") => void;
}

const copy = {
  value: "COPY",
  title: "A copy with a life of its own",
  words: "It becomes a server with a name and an area of its own in the repository.",
} as const;

/** The same system identifier is registered already: a standby of it, or a copy that lives its own life. */
export function DuplicateChoice({ duplicate, chosen, onChoose }: Props) {
  const { name } = duplicate.server;
  const member = {
    value: "MEMBER",
    title: `A member of ${name}`,
    words: "One cluster, several hosts: backups stay together.",
  } as const;
  const options = [...(duplicate.asMember ? [member] : []), copy];
  return (
    <Panel title="This cluster is known already">
      <div className="space-y-4">
        <Note kind="warn">
          It has the same system identifier as <strong>{name}</strong>.{" "}
          {duplicate.asMember ? "It is a standby of it." : "It is not its standby: probably a copy."}
        </Note>
        <Choices legend="What is it?" options={options} chosen={chosen} onChoose={onChoose} />
      </div>
    </Panel>
  );
}
