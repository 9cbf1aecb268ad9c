"use client";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { graphql } from "#graphql/graphql.ts";
import { plural } from "#lib/format.ts";
import { runPath } from "#lib/paths.ts";
import { useAct } from "#lib/use-act.ts";
import { useQuery } from "#lib/use-query.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { Button } from "#ui/button.tsx";
import { Actions, Dialog } from "#ui/dialog.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { TextField } from "#ui/field.tsx";
import { RetentionDecisions } from "./retention-decisions.tsx";
import { PreviewRetention } from "./retention-query.ts";

const ApplyRetentionMutation = graphql(
  `
    mutation ApplyRetention($input: ApplyRetentionInput!) {
      applyRetention(input: $input) {
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

/** Plan → show → execute: the saved policy's plan, confirmed by typing how many backups it deletes. */
export function ApplyRetention({ serverId }: { readonly serverId: string }) {
  const [open, setOpen] = useState(false);
  return (
    <Dialog open={open} onOpenChange={setOpen} wide title="Apply retention now" trigger={<Button>Apply now…</Button>}>
      <ApplyPlan serverId={serverId} />
    </Dialog>
  );
}

function ApplyPlan({ serverId }: { readonly serverId: string }) {
  const router = useRouter();
  const [typed, setTyped] = useState("");
  const plan = useQuery(PreviewRetention, { serverId, policy: null });
  const { act, pending, problem } = useAct(ApplyRetentionMutation, true);
  if (plan.problem !== null) return <ErrorPanel title="No plan" problem={plan.problem} />;
  if (plan.value === null) return <p className="text-sm text-muted">Computing the plan…</p>;
  const preview = plan.value.previewRetention;
  const deleted = preview.deleted.length;
  const apply = async () => {
    const payload = await act({ input: { serverId, planHash: preview.planHash } });
    if (payload?.run) router.push(runPath(payload.run.id));
  };
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (typed === String(deleted)) void apply();
      }}
    >
      <RetentionDecisions preview={preview} />
      {deleted === 0 ? (
        <p className="text-sm">There is nothing to delete.</p>
      ) : (
        <TextField
          label={`Type ${deleted} to delete ${plural(deleted, "backup")}`}
          inputMode="numeric"
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          hint="A deleted backup cannot be restored any more."
        />
      )}
      {problem !== null && <ErrorPanel announce title="Retention was not applied" problem={problem} />}
      {deleted > 0 && (
        <Actions>
          <Button type="submit" tone="danger" pending={pending} disabled={typed !== String(deleted)}>
            Delete {plural(deleted, "backup")}
          </Button>
        </Actions>
      )}
    </form>
  );
}
