"use client";
import { TextField } from "#ui/field.tsx";
import type { RetentionDraft } from "./retention-draft.ts";

interface Props {
  readonly draft: RetentionDraft;
  readonly onChange: (draft: RetentionDraft) => void;
}

const numbers = [
  { rule: "keepLast", label: "Keep the last", hint: "backups; empty for no such rule", max: 10_000 },
  { rule: "windowDays", label: "Keep for", hint: "days; empty for no such rule", max: 36_500 },
  { rule: "daily", label: "Daily", hint: "days, the newest of each", max: 10_000 },
  { rule: "weekly", label: "Weekly", hint: "weeks, the newest of each", max: 10_000 },
  { rule: "monthly", label: "Monthly", hint: "months, the newest of each", max: 10_000 },
  { rule: "yearly", label: "Yearly", hint: "years, the newest of each", max: 10_000 },
] as const;

/** The rules as numbers, or as another tool writes them. */
export function RetentionFields({ draft, onChange }: Props) {
  const byText = draft.text.trim() !== "";
  return (
    <div className="space-y-4">
      <div className="grid gap-4 sm:grid-cols-2 lg:grid-cols-3">
        {numbers.map(({ rule, label, hint, max }) => (
          <TextField
            key={rule}
            label={label}
            type="number"
            min={1}
            max={max}
            disabled={byText}
            value={byText ? "" : draft[rule]}
            onChange={(event) => onChange({ ...draft, [rule]: event.target.value })}
            hint={hint}
          />
        ))}
        <TextField
          label="Never fewer than"
          type="number"
          min={1}
          max={1000}
          required
          value={draft.minimum}
          onChange={(event) => onChange({ ...draft, minimum: event.target.value })}
          hint="usable backups"
        />
        <TextField
          label="Days begin in"
          value={draft.timeZone}
          onChange={(event) => onChange({ ...draft, timeZone: event.target.value })}
          hint="time zone, for example Europe/Berlin"
        />
        <TextField
          label="Or as another tool writes it"
          mono
          maxLength={200}
          placeholder="7,4,12,5"
          value={draft.text}
          onChange={(event) => onChange({ ...draft, text: event.target.value })}
          hint="pgmoneta's 7,4,12,5, or Barman's REDUNDANCY 3"
        />
      </div>
    </div>
  );
}
