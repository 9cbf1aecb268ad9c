"use client";
import { TextField } from "#ui/field.tsx";

/** A policy as it is being typed. */
export interface RetentionDraft {
  readonly keepLast: string;
  readonly windowDays: string;
  readonly minimum: string;
}

/** The draft as the api takes it; an empty field is a rule that is not there. */
export function toRetentionInput(draft: RetentionDraft) {
  const whole = (text: string) => (text.trim() === "" ? null : Number(text));
  return { keepLast: whole(draft.keepLast), windowDays: whole(draft.windowDays), minimum: whole(draft.minimum) };
}

interface Props {
  readonly draft: RetentionDraft;
  readonly onChange: (draft: RetentionDraft) => void;
}

export function RetentionFields({ draft, onChange }: Props) {
  return (
    <div className="grid gap-4 sm:grid-cols-3">
      <TextField
        label="Keep the last"
        type="number"
        min={1}
        max={10_000}
        value={draft.keepLast}
        onChange={(event) => onChange({ ...draft, keepLast: event.target.value })}
        hint="backups; empty for no such rule"
      />
      <TextField
        label="Keep for"
        type="number"
        min={1}
        max={36_500}
        value={draft.windowDays}
        onChange={(event) => onChange({ ...draft, windowDays: event.target.value })}
        hint="days; empty for no such rule"
      />
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
    </div>
  );
}
