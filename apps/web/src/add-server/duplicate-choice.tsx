"use client";
import { Choice } from "#ui/field.tsx";
import { Note } from "#ui/note.tsx";
import { Panel } from "#ui/panel.tsx";
import type { ServerDraft } from "./draft.ts";

interface Props {
  readonly duplicate: { readonly asMember: boolean; readonly server: { readonly name: string } };
  readonly chosen: ServerDraft["sameSystemAs"];
  readonly onChoose: (choice: "MEMBER" | "COPY") => void;
}

/** The same system identifier is registered already: a standby of it, or a copy that lives its own life. */
export function DuplicateChoice({ duplicate, chosen, onChoose }: Props) {
  const { name } = duplicate.server;
  return (
    <Panel title="This cluster is known already">
      <div className="space-y-4">
        <Note kind="warn">
          It has the same system identifier as <strong>{name}</strong>.{" "}
          {duplicate.asMember ? "It is a standby of it." : "It is not its standby: probably a copy."}
        </Note>
        <fieldset className="space-y-2">
          <legend className="mb-2 text-sm font-medium">What is it?</legend>
          {duplicate.asMember && (
            <Choice
              name="same-system"
              value="MEMBER"
              title={`A member of ${name}`}
              checked={chosen === "MEMBER"}
              onChoose={() => onChoose("MEMBER")}
            >
              One cluster, several hosts: backups stay together.
            </Choice>
          )}
          <Choice
            name="same-system"
            value="COPY"
            title="A copy with a life of its own"
            checked={chosen === "COPY"}
            onChoose={() => onChoose("COPY")}
          >
            It becomes a server with a name and an area of its own in the repository.
          </Choice>
        </fieldset>
      </div>
    </Panel>
  );
}
