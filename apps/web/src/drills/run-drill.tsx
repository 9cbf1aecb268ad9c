"use client";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { runPath } from "#lib/paths.ts";
import { useAct } from "#lib/use-act.ts";
import { ActDialog } from "#ui/act-dialog.tsx";
import { Button } from "#ui/button.tsx";
import { CheckField } from "#ui/field.tsx";
import { useLocalZone } from "#ui/time.tsx";
import { DrillServer } from "./drill-query.ts";
import { type ExpectationDraft, readExpectations } from "./expectation-draft.ts";
import { ExpectationFields } from "./expectation-fields.tsx";
import { TargetFields } from "./target-fields.tsx";
import { readTrialTarget, usualTarget } from "./trial-target.ts";

const nothing: ExpectationDraft = { rows: "", sql: "" };

/** Starts a drill, as the server's settings say or otherwise for this once, and goes to its run. */
export function RunDrill({ serverId }: { readonly serverId: string }) {
  const router = useRouter();
  const zone = useLocalZone();
  const [target, setTarget] = useState(usualTarget);
  const [expects, setExpects] = useState(false);
  const [draft, setDraft] = useState(nothing);
  const act = useAct(DrillServer, true);
  const to = readTrialTarget(target, zone);
  const found = readExpectations(draft);
  const wrong = typeof to === "string" ? to : expects && !found.ok ? found.message : null;

  const start = async () => {
    if (typeof to === "string") return false;
    const expectations = expects && found.ok ? { expectations: found.expectations } : {};
    const payload = await act.act({ input: { serverId, ...(to === null ? {} : { target: to }), ...expectations } });
    if (payload?.run) router.push(runPath(payload.run.id));
    return false;
  };

  return (
    <ActDialog
      act={act}
      title="Run a drill"
      description="Restores to a scratch place, starts PostgreSQL there, recovers, checks, measures how long that took, and throws it away. The server itself is not touched."
      trigger={
        <Button small tone="primary">
          Run a drill…
        </Button>
      }
      wide
      does="Run drill"
      blockedBy={wrong}
      failure="The drill was not started"
      onAct={start}
    >
      <TargetFields draft={target} onChange={setTarget} usual="Where the settings say" />
      <CheckField
        label="Expect something else than the settings say, this once"
        checked={expects}
        onChange={(event) => setExpects(event.target.checked)}
      />
      {expects && <ExpectationFields draft={draft} onChange={setDraft} />}
    </ActDialog>
  );
}
