"use client";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { TargetFields } from "#drills/target-fields.tsx";
import { readTrialTarget, type TrialTargetDraft } from "#drills/trial-target.ts";
import { useAct } from "#lib/use-act.ts";
import { ActDialog } from "#ui/act-dialog.tsx";
import { Button } from "#ui/button.tsx";
import { TextField } from "#ui/field.tsx";
import { useLocalZone } from "#ui/time.tsx";
import { CloneActDialog } from "./clone-act-dialog.tsx";
import { EndClone, ExtendClone, MoveClone, PromoteClone } from "./clone-query.ts";
import { useCloneAct } from "./use-clone-act.ts";

interface Props {
  readonly cloneId: string;
  readonly blockedBy: string | null;
}

const onward: TrialTargetDraft = { kind: "TIME", text: "", inclusive: true, timeline: "" };

export function MoveOn({ cloneId, blockedBy }: Props) {
  const zone = useLocalZone();
  const act = useCloneAct(MoveClone);
  const [draft, setDraft] = useState(onward);
  const target = readTrialTarget(draft, zone) ?? "Say to where";
  return (
    <CloneActDialog
      act={act}
      opens="Move on…"
      blockedBy={blockedBy}
      title="Move on"
      description="Stops it, sets a later target and starts it again. Never backwards: for an earlier instant make another clone."
      does="Move on"
      start={typeof target === "string" ? target : () => act.start({ input: { id: cloneId, target } })}
      outcome={() => <p>It is at its new target.</p>}
    >
      <TargetFields draft={draft} onChange={setDraft} usual={null} />
    </CloneActDialog>
  );
}

export function Promote({ cloneId, blockedBy }: Props) {
  const act = useCloneAct(PromoteClone);
  return (
    <CloneActDialog
      act={act}
      opens="Promote…"
      blockedBy={blockedBy}
      title="Promote"
      description="From then on it takes writes, on a timeline of its own, and cannot be moved on any more. The server it came from does not notice."
      does="Let it take writes"
      start={() => act.start({ input: { id: cloneId } })}
      outcome={() => <p>It takes writes.</p>}
    />
  );
}

export function End({ cloneId, blockedBy }: Props) {
  const act = useCloneAct(EndClone);
  return (
    <CloneActDialog
      act={act}
      opens="End…"
      blockedBy={blockedBy}
      title="End the clone"
      description="Whoever is connected is thrown out, and its files are deleted. Backups and WAL stay as they are."
      does="End it"
      doTone="danger"
      start={() => act.start({ input: { id: cloneId } })}
      outcome={() => <p>It has ended, and its space is free again.</p>}
    />
  );
}

export function Extend({ cloneId, blockedBy }: Props) {
  const router = useRouter();
  const act = useAct(ExtendClone, true);
  const extend = async (form: FormData) => {
    if ((await act.act({ input: { id: cloneId, hours: Number(form.get("hours")) } })) === null) return false;
    router.refresh();
    return true;
  };
  return (
    <ActDialog
      act={act}
      title="Extend"
      description="It then goes by itself so many hours from now."
      trigger={
        <Button small blockedBy={blockedBy}>
          Extend…
        </Button>
      }
      does="Extend"
      failure="It was not extended"
      onAct={extend}
    >
      <TextField label="Hours from now" name="hours" type="number" min={1} max={744} required defaultValue="24" />
    </ActDialog>
  );
}
