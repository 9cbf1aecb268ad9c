"use client";
import { useCallback, useEffect, useRef, useState } from "react";
import type { TadaDocumentNode } from "#graphql/graphql.ts";
import type { Problem } from "#lib/problem.ts";
import { useAct } from "#lib/use-act.ts";
import { isFinal } from "#runs/run-state.ts";
import { useRun, type WatchedRun } from "#runs/use-run.ts";
import type { ServerActResult } from "./server-act-fields.ts";

/** What a mutation that starts a run answers. */
interface Started {
  readonly run: { readonly id: string } | null;
}

export interface ServerAct<V> {
  readonly start: (variables: V) => void;
  readonly running: boolean;
  readonly problem: Problem | null;
  /** Null before the first time and while the run is being asked for. */
  readonly watched: WatchedRun | null;
  /** Of the run that succeeded last. */
  readonly result: ServerActResult | null;
  readonly forget: () => void;
}

/** A server act and the run that does it. `onDone` is called once for each run that succeeds. */
export function useServerAct<R extends Readonly<Record<string, Started>>, V extends { readonly input: object }>(
  document: TadaDocumentNode<R, V>,
  onDone?: (result: ServerActResult | null) => void,
): ServerAct<V> {
  const [runId, setRunId] = useState<string | null>(null);
  const { act, pending, problem, clear } = useAct(document, true);
  const watched = useRun(runId);
  const run = watched.run;
  const result = run?.state === "SUCCEEDED" ? run.serverAct : null;
  const told = useRef<string | null>(null);

  useEffect(() => {
    if (run?.state !== "SUCCEEDED" || told.current === run.id) return;
    told.current = run.id;
    onDone?.(run.serverAct);
  }, [run, onDone]);

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
    running: pending || (runId !== null && (run === null || !isFinal(run.state))),
    problem,
    watched: runId === null ? null : watched,
    result,
    forget,
  };
}
