"use client";
import { useCallback, useState } from "react";
import { graphql } from "#graphql/graphql.ts";
import type { Problem } from "#lib/problem.ts";
import { useAct } from "#lib/use-act.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { useRun, type WatchedRun } from "#runs/use-run.ts";

const TestConnection = graphql(
  `
    mutation TestConnection($input: TestConnectionInput!) {
      testConnection(input: $input) {
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

export interface ConnectionTest {
  /** Tests a connection string that is not stored, or the one of a server. */
  readonly start: (what: { readonly dsn: string } | { readonly serverId: string }) => Promise<void>;
  readonly forget: () => void;
  readonly starting: boolean;
  readonly problem: Problem | null;
  /** Null before the first test. */
  readonly watched: WatchedRun | null;
}

export function useConnectionTest(): ConnectionTest {
  const [runId, setRunId] = useState<string | null>(null);
  const { act, pending, problem, clear } = useAct(TestConnection, true);
  const watched = useRun(runId);
  const start = useCallback<ConnectionTest["start"]>(
    async (what) => {
      setRunId(null);
      const payload = await act({ input: what });
      setRunId(payload?.run?.id ?? null);
    },
    [act],
  );
  const forget = useCallback(() => {
    setRunId(null);
    clear();
  }, [clear]);
  return { start, forget, starting: pending, problem, watched: runId === null ? null : watched };
}
