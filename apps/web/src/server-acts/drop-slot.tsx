"use client";
import { type FormEvent, useEffect, useState } from "react";
import { graphql } from "#graphql/graphql.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { RunInline } from "#runs/run-inline.tsx";
import { Button } from "#ui/button.tsx";
import { Actions, Dialog } from "#ui/dialog.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { TextField } from "#ui/field.tsx";
import { ActOutcome } from "./act-outcome.tsx";
import type { SlotDropPlan } from "./server-act-fields.ts";
import { SlotDropPlanView } from "./slot-drop-plan-view.tsx";
import { useServerAct } from "./use-server-act.ts";

const PlanSlotDrop = graphql(
  `
    mutation PlanSlotDrop($input: PlanReplicationSlotDropInput!) {
      planReplicationSlotDrop(input: $input) {
        run {
          id
        }
        userErrors {
          ...UserErrorFields
        }
      }
    }
  `,
  [UserErrorFields],
);

const DropSlot = graphql(
  `
    mutation DropSlot($input: DropReplicationSlotInput!) {
      dropReplicationSlot(input: $input) {
        run {
          id
        }
        userErrors {
          ...UserErrorFields
        }
      }
    }
  `,
  [UserErrorFields],
);

interface Props {
  readonly serverId: string;
  /** Which slot; null keeps it closed. */
  readonly name: string | null;
  readonly onClose: () => void;
  readonly onDone: () => void;
}

/**
 * Plan → show → execute. What changed since the plan was shown makes the api refuse; then it is planned anew. It stands
 * beside the table, not in it: the row of a dropped slot vanishes, and what became of the drop has to be read.
 */
export function DropSlotDialog({ serverId, name, onClose, onDone }: Props) {
  return (
    <Dialog open={name !== null} onOpenChange={(open) => !open && onClose()} title={`Drop the slot ${name ?? ""}`}>
      {name !== null && <DropPlan serverId={serverId} name={name} onClose={onClose} onDone={onDone} />}
    </Dialog>
  );
}

interface PlanProps extends Props {
  readonly name: string;
}

function DropPlan({ serverId, name, onClose, onDone }: PlanProps) {
  const planning = useServerAct(PlanSlotDrop);
  const dropping = useServerAct(DropSlot, onDone);
  const { start: makePlan, result } = planning;
  const plan = result?.__typename === "SlotDropPlan" ? result : null;
  const failed = dropping.watched?.run?.finishedAt != null && dropping.result === null;
  const planAgain = () => {
    dropping.forget();
    makePlan({ input: { serverId, name } });
  };

  useEffect(() => makePlan({ input: { serverId, name } }), [makePlan, serverId, name]);

  if (plan === null) {
    return (
      <div className="space-y-4">
        {planning.problem !== null && <ErrorPanel announce title="It cannot be dropped" problem={planning.problem} />}
        {planning.watched === null ? (
          planning.problem === null && <p className="text-sm text-muted">Asking what a drop would do…</p>
        ) : (
          <RunInline watched={planning.watched} what="Plan of the drop" />
        )}
      </div>
    );
  }
  if (dropping.result !== null || dropping.running || failed || dropping.problem !== null) {
    return (
      <div className="space-y-4">
        <ActOutcome act={dropping} what="Drop of the slot" failure="The slot was not dropped" />
        <Actions>
          <Button onClick={onClose}>{dropping.result === null ? "Close" : "Done"}</Button>
          {(failed || dropping.problem !== null) && <Button onClick={planAgain}>Plan again</Button>}
        </Actions>
      </div>
    );
  }
  return (
    <ConfirmDrop
      plan={plan}
      onKeep={onClose}
      onDrop={() => dropping.start({ input: { serverId, name, planHash: plan.planHash } })}
    />
  );
}

interface ConfirmProps {
  readonly plan: SlotDropPlan;
  readonly onKeep: () => void;
  readonly onDrop: () => void;
}

/** A slot somebody uses is dropped only by who types its name. */
function ConfirmDrop({ plan, onKeep, onDrop }: ConfirmProps) {
  const [typed, setTyped] = useState("");
  const confirmed = !(plan.active || plan.own) || typed === plan.name;
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (confirmed) onDrop();
  };
  return (
    <form onSubmit={submit} className="space-y-4">
      <SlotDropPlanView plan={plan} />
      {(plan.active || plan.own) && (
        <TextField
          label={`Type ${plan.name} to confirm`}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          spellCheck={false}
        />
      )}
      <Actions>
        <Button onClick={onKeep}>Keep it</Button>
        <Button type="submit" tone="danger" disabled={!confirmed}>
          Drop slot
        </Button>
      </Actions>
    </form>
  );
}
