"use client";
import { useRouter } from "next/navigation";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { RunInline } from "#runs/run-inline.tsx";
import { isFinal } from "#runs/run-state.ts";
import { useRun } from "#runs/use-run.ts";

interface MarkRun {
  /** Follows the run that writes the mark; null when it was written without one. */
  readonly follow: (runId: string | null) => void;
  readonly following: boolean;
  readonly view: ReactNode;
}

/** A hold or a note is written into the repository by a worker; the page is fresh once that is done. */
export function useMarkRun(onDone: () => void): MarkRun {
  const router = useRouter();
  const [runId, setRunId] = useState<string | null>(null);
  const watched = useRun(runId);
  const state = watched.run?.state ?? null;
  const done = useRef(onDone);
  done.current = onDone;

  useEffect(() => {
    if (runId === null || state !== "SUCCEEDED") return;
    setRunId(null);
    router.refresh();
    done.current();
  }, [runId, state, router]);

  return {
    follow: (id) => {
      if (id !== null) return setRunId(id);
      router.refresh();
      onDone();
    },
    following: runId !== null && (state === null || !isFinal(state)),
    view: runId === null ? null : <RunInline watched={watched} what="Writing it into the repository" />,
  };
}
