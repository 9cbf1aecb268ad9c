"use client";
import { useRouter } from "next/navigation";
import type { TadaDocumentNode } from "#graphql/graphql.ts";
import type { KeyedInput } from "#lib/use-act.ts";
import { type ActRun, type StartsRun, useActRun } from "#runs/use-act-run.ts";

/** An act at a clone and the run that does it; the page is read anew when it has ended, well or not. */
export function useCloneAct<R extends StartsRun, V extends KeyedInput>(document: TadaDocumentNode<R, V>): ActRun<V> {
  const router = useRouter();
  return useActRun(document, () => router.refresh());
}
