"use client";
import { useEffect, useState } from "react";
import { SelectField, TextField } from "#ui/field.tsx";
import { SchedulePreview } from "./schedule-preview.tsx";
import { presets, timeZones } from "./zones.ts";

interface CronFieldsProps {
  readonly cron: string;
  readonly zone: string;
  readonly onChange: (value: { readonly cron: string; readonly zone: string }) => void;
}

const own = "own";

/** A schedule: a usual one or cron of one's own, the zone its clock is in, and what that means. */
export function CronFields({ cron, zone, onChange }: CronFieldsProps) {
  const [chosenOwn, setChosenOwn] = useState(!presets.some((preset) => preset.cron === cron));
  return (
    <div className="space-y-4">
      <SelectField
        label="When"
        value={chosenOwn ? own : cron}
        onChange={(event) => {
          const value = event.target.value;
          setChosenOwn(value === own);
          if (value !== own) onChange({ cron: value, zone });
        }}
      >
        {presets.map((preset) => (
          <option key={preset.cron} value={preset.cron}>
            {preset.title}
          </option>
        ))}
        <option value={own}>Cron expression…</option>
      </SelectField>
      {chosenOwn && (
        <TextField
          label="Cron expression"
          mono
          value={cron}
          onChange={(event) => onChange({ cron: event.target.value, zone })}
          hint="Minute, hour, day of month, month, day of week."
          required
        />
      )}
      <ZoneField zone={zone} onChange={(next) => onChange({ cron, zone: next })} />
      <SchedulePreview cron={cron} zone={zone} />
    </div>
  );
}

function ZoneField({ zone, onChange }: { readonly zone: string; readonly onChange: (zone: string) => void }) {
  // Only in the browser: its list of zones need not be the server's.
  const [zones, setZones] = useState<readonly string[]>([]);
  useEffect(() => setZones(timeZones()), []);
  return (
    <SelectField label="Time zone" value={zone} onChange={(event) => onChange(event.target.value)}>
      {[...new Set([zone, ...zones])].map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </SelectField>
  );
}
