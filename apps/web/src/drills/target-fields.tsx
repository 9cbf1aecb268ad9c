"use client";
import { takesInclusive, targetKinds } from "#restore/restore-instant.ts";
import { Clocks } from "#ui/clocks.tsx";
import { CheckField, SelectField, TextField } from "#ui/field.tsx";
import { useLocalZone } from "#ui/time.tsx";
import { readTrialTarget, type TrialTargetDraft } from "./trial-target.ts";

interface Props {
  readonly draft: TrialTargetDraft;
  readonly onChange: (draft: TrialTargetDraft) => void;
  /** What happens when nothing is said; null: something must be. */
  readonly usual: string | null;
}

const kinds = ["TIME", "LATEST", "NAME", "XID", "LSN", "IMMEDIATE"] as const;

/** To where a drill or a clone goes. */
export function TargetFields({ draft, onChange, usual }: Props) {
  const zone = useLocalZone();
  const read = readTrialTarget(draft, zone);
  const change = (part: Partial<TrialTargetDraft>) => onChange({ ...draft, ...part });
  const { label = null, hint = undefined } = draft.kind === "USUAL" ? {} : targetKinds[draft.kind];
  return (
    <div className="space-y-4">
      <SelectField
        label="To"
        value={draft.kind}
        hint={label === null ? hint : undefined}
        onChange={(event) => change({ kind: event.target.value as TrialTargetDraft["kind"], text: "" })}
      >
        {usual !== null && <option value="USUAL">{usual}</option>}
        {kinds.map((kind) => (
          <option key={kind} value={kind}>
            {targetKinds[kind].title}
          </option>
        ))}
      </SelectField>
      {label !== null && (
        <TextField
          label={label}
          hint={draft.kind === "TIME" ? `${hint} Without an offset it is read as ${zone}.` : hint}
          mono
          required
          spellCheck={false}
          value={draft.text}
          error={draft.text.trim() === "" || typeof read !== "string" ? null : `${read}.`}
          onChange={(event) => change({ text: event.target.value })}
        />
      )}
      {read !== null && typeof read !== "string" && read.at != null && <Clocks at={read.at} />}
      {draft.kind !== "USUAL" && takesInclusive.has(draft.kind) && (
        <CheckField
          label="With what happened exactly then"
          hint="Without: it stops just before it, as to look behind a transaction that did harm."
          checked={draft.inclusive}
          onChange={(event) => change({ inclusive: event.target.checked })}
        />
      )}
      {draft.kind !== "USUAL" && (
        <TextField
          label="Timeline"
          inputMode="numeric"
          pattern="[0-9]*"
          hint="Empty: the newest that can be reached."
          value={draft.timeline}
          onChange={(event) => change({ timeline: event.target.value.replaceAll(/\D/g, "") })}
        />
      )}
    </div>
  );
}
