"use client";
import { useRouter } from "next/navigation";
import { type FormEvent, useState } from "react";
import { useAct } from "#lib/use-act.ts";
import { UpdateServer } from "#servers/update-server.ts";
import { Button } from "#ui/button.tsx";
import { Actions } from "#ui/dialog.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { SelectField, TextField } from "#ui/field.tsx";
import { Note } from "#ui/note.tsx";
import { Panel } from "#ui/panel.tsx";
import type { DrillSettings as Settings } from "./drill-query.ts";
import { type ExpectationDraft, expectationDraft, readExpectations } from "./expectation-draft.ts";
import { ExpectationFields } from "./expectation-fields.tsx";
import { targetWords } from "./trial-target.ts";

interface Props {
  readonly server: { readonly id: string; readonly version: number; readonly drillSettings: Settings };
}

interface Draft extends ExpectationDraft {
  readonly to: "USUAL" | "LATEST" | "IMMEDIATE" | "BEHIND" | "KEEP";
  readonly behindMinutes: string;
  readonly maxGigabytes: string;
  readonly checkSeconds: string;
}

/** How a server's drills are done where nobody says otherwise: those of schedules, for example. */
export function DrillSettingsForm({ server }: Props) {
  const router = useRouter();
  const { drillSettings: settings } = server;
  const [draft, setDraft] = useState(() => draftOf(settings));
  const [saved, setSaved] = useState(false);
  const { act, pending, problem } = useAct(UpdateServer);
  const change = (part: Partial<Draft>) => {
    setSaved(false);
    setDraft((before) => ({ ...before, ...part }));
  };
  const read = readExpectations(draft);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!read.ok || pending) return;
    const drillSettings = {
      ...targetInput(draft, settings),
      expectations: {
        ...read.expectations,
        estimateTolerancePercent: settings.expectations.estimateTolerancePercent,
      },
      ...(draft.maxGigabytes === "" ? {} : { maxBytes: String(Math.round(Number(draft.maxGigabytes) * 1e9)) }),
      checkSeconds: Number(draft.checkSeconds),
      replaySeconds: settings.replaySeconds,
    };
    if ((await act({ input: { id: server.id, expectedVersion: server.version, drillSettings } })) === null) return;
    setSaved(true);
    router.refresh();
  };

  return (
    <Panel
      title="How drills are done"
      description="Those of the schedule, and those that are asked for without saying more."
    >
      <form onSubmit={(event) => void submit(event)} className="space-y-4">
        <SelectField
          label="They recover to"
          value={draft.to}
          onChange={(event) => change({ to: event.target.value as Draft["to"] })}
        >
          <option value="USUAL">the end of the archived WAL, or of the backup where there is none</option>
          <option value="LATEST">the end of the archived WAL, and fail without</option>
          <option value="IMMEDIATE">the end of the backup</option>
          <option value="BEHIND">a while before the last archived commit</option>
          {draftOf(settings).to === "KEEP" && <option value="KEEP">{targetWords(settings.target)}</option>}
        </SelectField>
        {draft.to === "BEHIND" && (
          <TextField
            label="Minutes before it"
            type="number"
            min={0}
            max={525_600}
            step="any"
            required
            value={draft.behindMinutes}
            onChange={(event) => change({ behindMinutes: event.target.value })}
          />
        )}
        <ExpectationFields draft={draft} onChange={change} />
        <div className="grid gap-4 sm:grid-cols-2">
          <TextField
            label="Largest copy in GB"
            hint="Empty: no limit but the worker's and the disk's."
            type="number"
            min={0.001}
            step="any"
            value={draft.maxGigabytes}
            onChange={(event) => change({ maxGigabytes: event.target.value })}
          />
          <TextField
            label="Seconds for all checks"
            type="number"
            min={1}
            max={86_400}
            required
            value={draft.checkSeconds}
            onChange={(event) => change({ checkSeconds: event.target.value })}
          />
        </div>
        {problem !== null && <ErrorPanel announce title="The settings were not saved" problem={problem} />}
        <div role="status">{saved && <Note kind="ok">Saved. The next drill is done this way.</Note>}</div>
        <Actions>
          <Button type="submit" tone="primary" pending={pending} blockedBy={read.ok ? null : read.message}>
            Save drill settings
          </Button>
        </Actions>
      </form>
    </Panel>
  );
}

function draftOf(settings: Settings): Draft {
  const { kind } = (settings.target ?? {}) as { readonly kind?: string };
  const to =
    settings.behindSeconds !== null
      ? "BEHIND"
      : kind === undefined
        ? "USUAL"
        : kind === "latest"
          ? "LATEST"
          : kind === "immediate"
            ? "IMMEDIATE"
            : "KEEP";
  return {
    ...expectationDraft(settings.expectations),
    to,
    behindMinutes: String((settings.behindSeconds ?? 900) / 60),
    maxGigabytes: settings.maxBytes === null ? "" : String(Number(settings.maxBytes) / 1e9),
    checkSeconds: String(settings.checkSeconds),
  };
}

/** `KEEP`: a target this form does not offer, given by the command or the api, goes back as it is. */
function targetInput({ to, behindMinutes }: Draft, { target, timeline }: Settings) {
  if (to === "USUAL") return {};
  if (to === "BEHIND") return { behindSeconds: Math.round(Number(behindMinutes) * 60) };
  if (to !== "KEEP") return { target: { kind: to } };
  const { kind, ...place } = target as { readonly kind: string };
  const onTimeline = /^\d+$/.test(timeline) ? { timeline: Number(timeline) } : {};
  return { target: { ...place, ...onTimeline, kind: kind.toUpperCase() as "TIME" | "LSN" | "XID" | "NAME" } };
}
