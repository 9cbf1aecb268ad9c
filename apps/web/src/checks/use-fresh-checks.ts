"use client";
import { useEffect, useState } from "react";
import type { ServerCheck } from "./check-item.tsx";
import type { Inspecting } from "./use-inspection.ts";

interface Looked {
  readonly check: ServerCheck;
  readonly at: string;
}

export interface FreshChecks {
  /** The page's checks with what was looked at again since. */
  readonly checks: readonly ServerCheck[];
  /** Those that were looked at again one by one: they stay in sight. */
  readonly looked: ReadonlyMap<string, ServerCheck>;
  readonly forget: () => void;
}

/** Lays the answers of single re-checks over the list of the last inspection, until a newer inspection of all comes. */
export function useFreshChecks(
  checks: readonly ServerCheck[],
  inspectedAt: string | null,
  inspecting: Inspecting,
): FreshChecks {
  const [answers, setAnswers] = useState<ReadonlyMap<string, Looked>>(new Map());
  const run = inspecting.watched?.run ?? null;
  const inspection = run?.state === "SUCCEEDED" ? run.inspection : null;
  const { subject } = inspecting;

  useEffect(() => {
    if (inspection === null) return;
    if (subject === null) return setAnswers(new Map());
    setAnswers((before) => {
      const after = new Map(before);
      for (const check of inspection.checks) after.set(check.id, { check, at: inspection.observedAt });
      return after;
    });
  }, [inspection, subject]);

  const current = [...answers].filter(([, { at }]) => inspectedAt === null || at > inspectedAt);
  const looked = new Map(current.map(([id, { check }]) => [id, check]));
  return { checks: checks.map((check) => looked.get(check.id) ?? check), looked, forget: () => setAnswers(new Map()) };
}
