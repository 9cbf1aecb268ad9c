"use client";
import { type FormEvent, useState } from "react";
import { absoluteTime } from "#lib/format.ts";
import { Button } from "#ui/button.tsx";
import { SelectField, TextField } from "#ui/field.tsx";
import { useServerZone } from "#ui/server-zone.tsx";
import { useLocalZone } from "#ui/time.tsx";
import { type Lane, nearestRecoverable, type TimelineModel } from "./timeline-model.ts";
import { parseZonedInstant } from "./zoned-instant.ts";

interface Props {
  readonly model: TimelineModel;
  readonly chosen: { readonly timeline: number; readonly ms: number };
  readonly onChoose: (timeline: number, ms: number) => void;
}

/** An instant typed with its zone, and the timeline it is meant on. */
export function InstantInput({ model, chosen, onChoose }: Props) {
  const local = useLocalZone();
  const serverZone = useServerZone();
  const [zone, setZone] = useState<"local" | "server" | "utc">("local");
  const [draft, setDraft] = useState<string | null>(null);
  const [error, setError] = useState<string | null>(null);
  const shownZone = { local, server: serverZone ?? local, utc: "UTC" }[zone];
  const text = draft ?? inputText(chosen.ms, shownZone);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const ms = parseZonedInstant(text, shownZone);
    if (ms === null)
      return setError("Write it as 2026-11-21 14:02:31, with an offset (+01:00) if it is another zone's.");
    const refusal = refusalOf(model.lanes, chosen.timeline, ms, shownZone);
    setError(refusal);
    if (refusal !== null) return;
    setDraft(null);
    onChoose(chosen.timeline, ms);
  };

  return (
    <form onSubmit={submit} className="flex flex-wrap items-start gap-3">
      <div className="min-w-60 flex-1">
        <TextField
          label="Instant"
          mono
          spellCheck={false}
          value={text}
          error={error}
          onChange={(event) => {
            setDraft(event.target.value);
            setError(null);
          }}
        />
      </div>
      <div className="w-44">
        <SelectField
          label="In the clock of"
          value={zone}
          onChange={(event) => {
            setZone(event.target.value as typeof zone);
            setDraft(null);
          }}
        >
          <option value="local">{local}</option>
          {serverZone !== null && serverZone !== local && <option value="server">{serverZone} (the server)</option>}
          <option value="utc">UTC</option>
        </SelectField>
      </div>
      {model.lanes.length > 1 && (
        <div className="w-32">
          <SelectField
            label="Timeline"
            value={String(chosen.timeline)}
            onChange={(event) => {
              const lane = model.lanes.find(({ timeline }) => String(timeline) === event.target.value);
              const ms = lane === undefined ? null : nearestRecoverable(lane, chosen.ms);
              if (lane !== undefined && ms !== null) onChoose(lane.timeline, ms);
            }}
          >
            {model.lanes.map(({ timeline }) => (
              <option key={timeline}>{timeline}</option>
            ))}
          </SelectField>
        </div>
      )}
      <div className="pt-6">
        <Button type="submit">Go there</Button>
      </div>
    </form>
  );
}

/** Why an instant cannot be chosen, with what is nearest; null: it can. */
function refusalOf(lanes: readonly Lane[], timeline: number, ms: number, zone: string): string | null {
  const lane = lanes.find((one) => one.timeline === timeline);
  const near = lane === undefined ? null : nearestRecoverable(lane, ms);
  if (near === ms) return null;
  if (lane === undefined || near === null) return "Nothing of this timeline can be restored to.";
  const gap = lane.spans.find((span) => span.kind === "gap" && span.fromMs < ms && ms < span.toMs);
  const why = gap === undefined ? "That cannot be restored to" : gap.title;
  return `${why}. The nearest instant is ${absoluteTime(new Date(near), zone)}.`;
}

function inputText(ms: number, zone: string): string {
  const [date, time] = absoluteTime(new Date(ms), zone).split(" ");
  const rest = ms % 1000;
  return `${date} ${time}${rest === 0 ? "" : `.${String(rest).padStart(3, "0")}`}`;
}
