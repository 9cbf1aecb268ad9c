"use client";
import { useRouter } from "next/navigation";
import { useCallback, useState } from "react";
import { graphql } from "#graphql/graphql.ts";
import { useAct } from "#lib/use-act.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { Button } from "#ui/button.tsx";
import { Dialog } from "#ui/dialog.tsx";
import { PlannedKeyAct } from "./planned-key-act.tsx";

const RemoveRepositoryKey = graphql(
  `
    mutation RemoveRepositoryKey($input: RemoveRepositoryKeyInput!) {
      removeRepositoryKey(input: $input) {
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
  readonly repositoryId: string;
  readonly ownerId: string;
  /** Of the key, for whoever hears the button and not the row. */
  readonly whose: string;
}

/** Plan → show → execute: the key opens nothing any more. The last one is refused by the plan. */
export function RemoveKey({ repositoryId, ownerId, whose }: Props) {
  const [open, setOpen] = useState(false);
  const router = useRouter();
  // Its row, and this dialog with it, goes with the key: only when the dialog was left.
  const leave = (next: boolean) => {
    setOpen(next);
    if (!next) router.refresh();
  };
  const { act, pending, problem } = useAct(RemoveRepositoryKey, true);
  const start = useCallback(
    async (planHash: string | null) => {
      const payload = await act({ input: { repositoryId, ownerId, planHash } });
      return payload?.run?.id ?? null;
    },
    [act, repositoryId, ownerId],
  );
  return (
    <Dialog
      open={open}
      onOpenChange={leave}
      title={`Remove the key of ${whose}`}
      trigger={
        <Button small aria-label={`Remove the key of ${whose}`}>
          Remove…
        </Button>
      }
    >
      <PlannedKeyAct
        start={start}
        pending={pending}
        problem={problem}
        danger
        refreshes={false}
        words={{
          planning: "Planning the removal",
          acting: "Removing the key",
          button: "Remove key",
          done: "Removed. It opens the repository no longer.",
          failed: "The key was not removed",
        }}
      />
    </Dialog>
  );
}
