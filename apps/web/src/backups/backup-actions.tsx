"use client";
import { useRouter } from "next/navigation";
import { graphql } from "#graphql/graphql.ts";
import { runPath } from "#lib/paths.ts";
import type { Problem } from "#lib/problem.ts";
import { useAct } from "#lib/use-act.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { Button } from "#ui/button.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";

const VerifyBackup = graphql(
  `
    mutation VerifyBackup($input: VerifyBackupInput!) {
      verifyBackup(input: $input) {
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

const DrillBackup = graphql(
  `
    mutation DrillBackup($input: DrillBackupInput!) {
      drillBackup(input: $input) {
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

export function VerifyNow({ backupId }: { readonly backupId: string }) {
  const router = useRouter();
  const { act, pending, problem } = useAct(VerifyBackup, true);
  const start = async () => {
    const payload = await act({ input: { id: backupId } });
    if (payload?.run) router.push(runPath(payload.run.id));
  };
  return <ActionButton name="Verify now" pending={pending} problem={problem} onPress={() => void start()} />;
}

export function DrillNow({ backupId }: { readonly backupId: string }) {
  const router = useRouter();
  const { act, pending, problem } = useAct(DrillBackup, true);
  const start = async () => {
    const payload = await act({ input: { id: backupId } });
    if (payload?.run) router.push(runPath(payload.run.id));
  };
  return <ActionButton name="Drill now" pending={pending} problem={problem} onPress={() => void start()} />;
}

interface ActionButtonProps {
  readonly name: string;
  readonly pending: boolean;
  readonly problem: Problem | null;
  readonly onPress: () => void;
}

function ActionButton({ name, pending, problem, onPress }: ActionButtonProps) {
  return (
    <div className="space-y-2">
      <Button small pending={pending} onClick={onPress}>
        {name}
      </Button>
      {problem !== null && <ErrorPanel announce title={`${name}: not started`} problem={problem} />}
    </div>
  );
}
