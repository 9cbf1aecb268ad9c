"use client";
import { useCallback, useEffect, useRef, useState } from "react";
import type { Exactly, Sends } from "#graphql/exactly.ts";
import type { TadaDocumentNode } from "#graphql/graphql.ts";
import type { Problem } from "#lib/problem.ts";
import { type KeyedInput, useAct } from "#lib/use-act.ts";
import type { RunDetail } from "./run-query.ts";
import { isFinal } from "./run-state.ts";
import { useRun, type WatchedRun } from "./use-run.ts";

/** What mutations answer that start a run. */
export type StartsRun = Readonly<Record<string, { readonly run: { readonly id: string } | null }>>;

export interface ActRun<V> {
  readonly start: Sends<V, void>;
  readonly running: boolean;
  readonly problem: Problem | null;
  /** Null before the first time and while the run is being asked for. */
  readonly watched: WatchedRun | null;
  /** The run that succeeded last. */
  readonly done: RunDetail | null;
  readonly forget: () => void;
}

/** An act and the run that does it. `onEnd` is called once for each run that has ended, well or not. */
export function useActRun<R extends StartsRun, V extends KeyedInput>(
  document: TadaDocumentNode<R, V>,
  onEnd: (run: RunDetail) => void,
): ActRun<V> {
  const [runId, setRunId] = useState<string | null>(null);
  const { act, pending, problem, clear } = useAct(document, true);
  const watched = useRun(runId);
  const { run } = watched;
  const ended = run !== null && isFinal(run.state) ? run : null;
  const told = useRef<string | null>(null);

  useEffect(() => {
    if (ended === null || told.current === ended.id) return;
    told.current = ended.id;
    onEnd(ended);
  }, [ended, onEnd]);

  const start = useCallback<Sends<V, void>>(
    (variables) => {
      setRunId(null);
      // Exact already: nothing is added to what was given.
      void act<V>(variables as V & Exactly<V, V>).then((payload) => setRunId(payload?.run?.id ?? null));
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
