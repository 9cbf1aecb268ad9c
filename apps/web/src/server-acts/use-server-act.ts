"use client";
import type { TadaDocumentNode } from "#graphql/graphql.ts";
import type { KeyedInput } from "#lib/use-act.ts";
import { type ActRun, type StartsRun, useActRun } from "#runs/use-act-run.ts";
import type { ServerActResult } from "./server-act-fields.ts";

export interface ServerAct<V> extends ActRun<V> {
  /** Of the run that succeeded last. */
  readonly result: ServerActResult | null;
}

/** A server act and the run that does it. `onDone` is called once for each run that succeeds. */
export function useServerAct<R extends StartsRun, V extends KeyedInput>(
  document: TadaDocumentNode<R, V>,
  onDone?: (result: ServerActResult | null) => void,
): ServerAct<V> {
  const act = useActRun(document, (run) => {
    if (run.state === "SUCCEEDED") onDone?.(run.serverAct);
  });
  return { ...act, result: act.done?.serverAct ?? null };
}
