"use client";
import { graphql } from "#graphql/graphql.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { Button } from "#ui/button.tsx";
import { ButtonRow } from "#ui/button-row.tsx";
import { ActOutcome } from "./act-outcome.tsx";
import { RestorePointDialog } from "./restore-point.tsx";
import { useServerAct } from "./use-server-act.ts";

const SwitchWal = graphql(
  `
    mutation SwitchWal($input: SwitchWalInput!) {
      switchWal(input: $input) {
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

const Checkpoint = graphql(
  `
    mutation Checkpoint($input: CheckpointServerInput!) {
      checkpointServer(input: $input) {
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
  readonly inRecovery: boolean;
  readonly blockedBy: string | null;
  /** The server's position is another one now. */
  readonly onDone: () => void;
}

const onStandby = "This server is a standby, and only its primary writes WAL: no switch and no restore point here";

/** What may be done to the WAL of a server; each act is a run, followed here. */
export function WalActs({ serverId, inRecovery, blockedBy, onDone }: Props) {
  const switching = useServerAct(SwitchWal, onDone);
  const checkpoint = useServerAct(Checkpoint, onDone);
  const input = { serverId };
  const writing = blockedBy ?? (inRecovery ? onStandby : null);
  return (
    <div className="grid gap-3">
      <ButtonRow blockedBy={writing}>
        <Button pending={switching.running} blockedBy={writing} onClick={() => switching.start({ input })}>
          Switch WAL
        </Button>
        <Button pending={checkpoint.running} blockedBy={blockedBy} onClick={() => checkpoint.start({ input })}>
          Checkpoint
        </Button>
        <RestorePointDialog serverId={serverId} blockedBy={writing} onDone={onDone} />
      </ButtonRow>
      <ActOutcome act={switching} what="WAL switch" failure="WAL was not switched" />
      <ActOutcome act={checkpoint} what="Checkpoint" failure="No checkpoint was made" />
    </div>
  );
}
