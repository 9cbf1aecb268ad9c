"use client";
import { useRouter } from "next/navigation";
import { useCallback, useEffect, useRef, useState } from "react";
import type { TadaDocumentNode } from "#graphql/graphql.ts";
import type { Problem } from "#lib/problem.ts";
import { useAct } from "#lib/use-act.ts";
import type { RunDetail } from "#runs/run-query.ts";
import { isFinal } from "#runs/run-state.ts";
import { useRun, type WatchedRun } from "#runs/use-run.ts";

export interface CloneAct<V> {
  readonly start: (variables: V) => void;
  readonly running: boolean;
  readonly problem: Problem | null;
  /** Null before the first time and while the run is being asked for. */
  readonly watched: WatchedRun | null;
  /** The run that succeeded last. */
  readonly done: RunDetail | null;
  readonly forget: () => void;
}

/** An act at a clone and the run that does it; the page is read anew when it has ended, well or not. */
export function useCloneAct<
  R extends Readonly<Record<string, { readonly run: { readonly id: string } | null }>>,
  V extends { readonly input: object },
>(document: TadaDocumentNode<R, V>): CloneAct<V> {
  const router = useRouter();
  const [runId, setRunId] = useState<string | null>(null);
  const { act, pending, problem, clear } = useAct(document, true);
  const watched = useRun(runId);
  const { run } = watched;
  const ended = run !== null && isFinal(run.state) ? run.id : null;
  const told = useRef<string | null>(null);

  useEffect(() => {
    if (ended === null || told.current === ended) return;
    told.current = ended;
    router.refresh();
  }, [ended, router]);

  const start = useCallback(
    (variables: V) => {
      setRunId(null);
      void act(variables).then((payload) => setRunId(payload?.run?.id ?? null));
    },
    [act],
  );
  const forget = useCallback(() => {
    setRunId(null);
    clear();
  }, [clear]);

  return {
    start,
    running: pending || (runId !== null && ended === null),
    problem,
    watched: runId === null ? null : watched,
    done: run?.state === "SUCCEEDED" ? run : null,
    forget,
  };
}
