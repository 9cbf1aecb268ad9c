"use client";
import type { ReactNode } from "react";
import { DrawnAtContext } from "#lib/use-now.ts";

/** Tells what is in it which present the server drew it for. */
export function DrawnAt({ at, children }: { readonly at: string; readonly children: ReactNode }) {
  return <DrawnAtContext value={at}>{children}</DrawnAtContext>;
}
