"use client";
import { useRouter } from "next/navigation";
import { useCallback, useEffect, useState } from "react";
import { graphql } from "#graphql/graphql.ts";
import type { Problem } from "#lib/problem.ts";
import { useAct } from "#lib/use-act.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { isFinal } from "#runs/run-state.ts";
import { useRun, type WatchedRun } from "#runs/use-run.ts";

const InspectServer = graphql(
  `
    mutation InspectServer($input: InspectServerInput!) {
      inspectServer(input: $input) {
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

export interface Inspecting {
  /** Looks at one check again, or with null at everything the server tells. */
  readonly start: (checkId: string | null) => void;
  /** What was asked for last: a check, or null for all. Undefined before the first time. */
  readonly subject: string | null | undefined;
  readonly running: boolean;
  readonly problem: Problem | null;
  /** Null before the first time. */
  readonly watched: WatchedRun | null;
}

/** An inspection asked for by a person. The page is drawn anew when it has ended. */
export function useInspection(serverId: string): Inspecting {
  const router = useRouter();
  const [subject, setSubject] = useState<string | null | undefined>(undefined);
  const [runId, setRunId] = useState<string | null>(null);
  const { act, pending, problem } = useAct(InspectServer, true);
  const watched = useRun(runId);
  const state = watched.run?.state ?? null;

  useEffect(() => {
    // One that failed has found something, too: that the server cannot be asked.
    if (runId !== null && state !== null && isFinal(state)) router.refresh();
  }, [runId, state, router]);

  const start = useCallback(
    (checkId: string | null) => {
      setSubject(checkId);
      setRunId(null);
      void act({ input: { serverId, checkIds: checkId === null ? null : [checkId] } }).then((payload) =>
        setRunId(payload?.run?.id ?? null),
      );
    },
    [act, serverId],
  );

  return {
    start,
    subject,
    running: pending || (runId !== null && (state === null || !isFinal(state))),
    problem,
    watched: runId === null ? null : watched,
  };
}
