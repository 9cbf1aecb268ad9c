"use client";
import { useEffect, useState } from "react";
import type { Exactly } from "#graphql/exactly.ts";
import type { TadaDocumentNode } from "#graphql/graphql.ts";
import { type Problem, toProblem } from "./problem.ts";
import { request } from "./request.ts";

export interface Queried<R> {
  /** The newest answer; while a newer question is on the way it is the one before (`stale`). */
  readonly value: R | null;
  readonly problem: Problem | null;
  readonly stale: boolean;
}

/** Typing asks once it rests. */
const restMs = 250;

/** The answer to a question that follows what a person types. A late answer to an older question is dropped. */
export function useQuery<R, V, Given extends V>(
  document: TadaDocumentNode<R, V>,
  variables: Given & Exactly<V, Given>,
): Queried<R> {
  const key = JSON.stringify(variables);
  const [answer, setAnswer] = useState<{
    readonly key: string;
    readonly value: R | null;
    readonly problem: Problem | null;
  }>({
    key: "",
    value: null,
    problem: null,
  });

  useEffect(() => {
    const question = new AbortController();
    const timer = setTimeout(() => {
      request(document, JSON.parse(key) as V, question.signal).then(
        (value) => setAnswer({ key, value, problem: null }),
        (error: unknown) => {
          if (!question.signal.aborted) setAnswer({ key, value: null, problem: toProblem(error) });
        },
      );
    }, restMs);
    return () => {
      clearTimeout(timer);
      question.abort();
    };
  }, [document, key]);

  return { value: answer.value, problem: answer.problem, stale: answer.key !== key };
}
