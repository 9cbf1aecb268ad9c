"use client";
import { CheckField, TextField } from "#ui/field.tsx";
import { durationProblem, type TargetDraft } from "./target-draft.ts";

interface Props {
  readonly draft: TargetDraft;
  readonly onChange: (draft: TargetDraft) => void;
}

/** What is promised of a server beside what is kept: its protection state is measured by it. */
export function TargetFields({ draft, onChange }: Props) {
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <TextField
        label="Commits that may be lost"
        placeholder="1 min"
        value={draft.rpo}
        disabled={draft.anyLoss}
        error={draft.anyLoss ? null : durationProblem(draft.rpo)}
        onChange={(event) => onChange({ ...draft, rpo: event.target.value })}
        hint="at most, for example 5 min (RPO); empty: a minute where WAL is streamed"
      />
      <TextField
        label="A restore may take"
        placeholder="1 h"
        value={draft.rto}
        error={durationProblem(draft.rto)}
        onChange={(event) => onChange({ ...draft, rto: event.target.value })}
        hint="at most, as the last proven drill measured it (RTO); empty: nothing is promised"
      />
      <TextField
        label="A proof counts for"
        type="number"
        min={1}
        max={3650}
        placeholder="31"
        value={draft.proofDays}
        disabled={draft.proofForEver}
        onChange={(event) => onChange({ ...draft, proofDays: event.target.value })}
        hint="days since a drill restored, started and checked it; empty: 31"
      />
      <TextField
        label="Verify everything stored every"
        type="number"
        min={1}
        max={366}
        value={draft.verifyDays}
        onChange={(event) => onChange({ ...draft, verifyDays: event.target.value })}
        hint="days, a part of it each day; empty: not by itself"
      />
      <CheckField
        label="No loss target"
        checked={draft.anyLoss}
        onChange={(event) => onChange({ ...draft, anyLoss: event.target.checked })}
        hint="a server is never degraded for WAL that arrives late"
      />
      <CheckField
        label="Proofs never grow old"
        checked={draft.proofForEver}
        onChange={(event) => onChange({ ...draft, proofForEver: event.target.checked })}
        hint="it is unproven only until the first drill that passes"
      />
    </div>
  );
}
