"use client";
import { useCallback, useRef, useState } from "react";
import type { Sends } from "#graphql/exactly.ts";
import type { TadaDocumentNode } from "#graphql/graphql.ts";
import { type Problem, toProblem } from "./problem.ts";
import { request } from "./request.ts";

interface UserError {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  readonly field: readonly string[] | null;
}

type Payload<R> = R[keyof R] & { readonly userErrors: readonly UserError[] };

export interface Act<R, V> {
  /** Resolves to the payload, or to null when it was refused; the reason is then `problem`. */
  readonly act: Sends<V, Promise<Payload<R> | null>>;
  readonly pending: boolean;
  readonly problem: Problem | null;
  readonly clear: () => void;
}

/** Only an input that has a place for a key may be sent with one: the api refuses a field that it does not know. */
export interface KeyedInput {
  readonly input: { readonly idempotencyKey?: string | null | undefined };
}

/**
 * One mutation of the api. Its payload's `userErrors` and the failures of the transport end in the same place. The same
 * input sent again after a failure carries the same idempotency key, so that a lost answer never does a thing twice.
 */
export function useAct<R extends object, V extends KeyedInput>(
  document: TadaDocumentNode<R, V>,
  idempotent: true,
): Act<R, V>;
export function useAct<R extends object, V extends { readonly input: object }>(
  document: TadaDocumentNode<R, V>,
): Act<R, V>;
export function useAct<R extends object, V extends { readonly input: object }>(
  document: TadaDocumentNode<R, V>,
  idempotent = false,
): Act<R, V> {
  const [pending, setPending] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const attempt = useRef<{ readonly body: string; readonly key: string } | null>(null);

  const act = useCallback(
    async (variables: V): Promise<Payload<R> | null> => {
      setPending(true);
      setProblem(null);
      try {
        const body = JSON.stringify(variables);
        if (attempt.current?.body !== body) attempt.current = { body, key: newIdempotencyKey() };
        const keyed = idempotent
          ? { ...variables, input: { ...variables.input, idempotencyKey: attempt.current.key } }
          : variables;
        const data: R = await request(document, keyed);
        attempt.current = null;
        const payload = onlyField(data);
        const [first] = payload.userErrors;
        if (first === undefined) return payload;
        setProblem({ code: first.code, message: first.message, hint: first.hint, field: first.field?.at(-1) ?? null });
        return null;
      } catch (error) {
        setProblem(toProblem(error));
        return null;
      } finally {
        setPending(false);
      }
    },
    [document, idempotent],
  );
  return { act, pending, problem, clear: useCallback(() => setProblem(null), []) };
}

/** A mutation document of ours asks for one field; its value is the payload. */
function onlyField<R extends object>(data: R): Payload<R> {
  const [payload] = Object.values(data) as Payload<R>[];
  if (payload === undefined) throw new Error("the api answered a mutation with nothing");
  return payload;
}

function newIdempotencyKey(): string {
  // Not randomUUID: it is missing on plain http.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
