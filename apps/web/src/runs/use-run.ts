"use client";
import { useEffect, useState } from "react";
import { type Problem, toProblem } from "#lib/problem.ts";
import type { RunDetail, RunEvent } from "./run-query.ts";
import { createRunSource } from "./run-source.ts";
import { watchRun } from "./watch-run.ts";

export interface WatchedRun {
  readonly run: RunDetail | null;
  readonly events: readonly RunEvent[];
  /** Set while the api does not answer; what is known stays. */
  readonly trouble: Problem | null;
}

const nothing: WatchedRun = { run: null, events: [], trouble: null };

/** Follows a run until it is final. Null watches nothing. */
export function useRun(id: string | null, initial: RunDetail | null = null): WatchedRun {
  const [watched, setWatched] = useState<{ readonly id: string | null; readonly state: WatchedRun }>({
    id,
    state: { ...nothing, run: initial },
  });

  useEffect(() => {
    if (id === null) return;
    const page = new AbortController();
    const update = (change: (state: WatchedRun) => WatchedRun) =>
      setWatched((before) => ({ id, state: change(before.id === id ? before.state : nothing) }));
    // A page that comes back (React mounts twice in development) reads the log from its start.
    update((state) => ({ ...state, events: [] }));
    const sink = {
      onRun: (run: RunDetail) => update((state) => ({ ...state, run })),
      onEvents: (events: readonly RunEvent[]) =>
        update((state) => ({ ...state, events: [...state.events, ...events] })),
      onTrouble: (error: unknown) =>
        update((state) => ({ ...state, trouble: error === null ? null : toProblem(error) })),
    };
    void watchRun(createRunSource(id), sink, page.signal);
    return () => page.abort();
  }, [id]);

  return watched.id === id ? watched.state : nothing;
}
