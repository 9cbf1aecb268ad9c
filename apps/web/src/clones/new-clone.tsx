"use client";
import { useState } from "react";
import { TargetFields } from "#drills/target-fields.tsx";
import { draftAt, readTrialTarget } from "#drills/trial-target.ts";
import { CheckField, TextField } from "#ui/field.tsx";
import { useLocalZone } from "#ui/time.tsx";
import { CloneActDialog } from "./clone-act-dialog.tsx";
import { CreateClone } from "./clone-query.ts";
import { useCloneAct } from "./use-clone-act.ts";

interface Props {
  readonly serverId: string;
  /** The instant another page led here with. */
  readonly initial: { readonly at: string | null; readonly timeline: string | null };
}

/** A month, as the api allows. */
const mostHours = 744;

/** A clone of the server as it was at an instant. */
export function NewClone({ serverId, initial }: Props) {
  const zone = useLocalZone();
  const act = useCloneAct(CreateClone);
  const [draft, setDraft] = useState(() => draftAt(initial.at, initial.timeline));
  const [hours, setHours] = useState("24");
  const [promote, setPromote] = useState(false);

  const target = readTrialTarget(draft, zone);
  const lives = readHours(hours);
  const asked = () => {
    if (typeof target === "string") return target;
    if (typeof lives === "string") return lives;
    return () => act.start({ input: { serverId, promote, hours: lives, ...(target === null ? {} : { target }) } });
  };

  return (
    <CloneActDialog
      act={act}
      opens="New clone…"
      openTone="primary"
      title="New clone"
      description="A restored copy of the whole server, started on the worker's machine, isolated, with a connection string of its own. The server itself is not touched."
      does="Make clone"
      opened={initial.at !== null}
      start={asked()}
      outcome={() => <p>It runs. Its connection string is behind “Connection…”.</p>}
    >
      <TargetFields draft={draft} onChange={setDraft} usual="The end of what there is" />
      <TextField
        label="Hours it lives"
        type="number"
        min={1}
        max={mostHours}
        required
        value={hours}
        onChange={(event) => setHours(event.target.value)}
        hint="Then it goes by itself, with its files. It can be extended."
      />
      <CheckField
        label="Let it take writes at once"
        hint="Without, it is read-only and can be moved on to a later instant first."
        checked={promote}
        onChange={(event) => setPromote(event.target.checked)}
      />
    </CloneActDialog>
  );
}

/** A sentence when it is no number of hours that a clone may live. */
function readHours(text: string): number | string {
  const hours = Number(text);
  return Number.isInteger(hours) && hours >= 1 && hours <= mostHours
    ? hours
    : `Say how many hours it lives, 1 to ${mostHours}`;
}
