"use client";
import { clsx } from "clsx";
import { createContext, type ReactNode, useContext, useId } from "react";

const ReasonId = createContext<string | null>(null);

/** Where the reason stands in words why buttons beside it cannot be pressed now; null: nowhere. */
export function useReasonBeside(): string | null {
  return useContext(ReasonId);
}

/** What is inside stands apart: the reason of the row that its opener is in says nothing about it. */
export function ApartFromReasons({ children }: { readonly children: ReactNode }) {
  return <ReasonId value={null}>{children}</ReasonId>;
}

interface Props {
  /** Why some of them cannot be pressed now: a tooltip is nothing for fingers and keys. */
  readonly blockedBy?: string | null;
  /** At the end of a dialog or form: to the right, one below the other on a telephone. */
  readonly last?: boolean;
  readonly children: ReactNode;
}

/** Buttons that belong together, and in words why some of them cannot be pressed now. */
export function ButtonRow({ blockedBy = null, last = false, children }: Props) {
  const id = useId();
  return (
    <div className={clsx("space-y-2", last && "mt-5")}>
      {blockedBy !== null && (
        <p id={id} className={clsx("text-[0.8125rem] text-muted", last && "sm:text-end")}>
          {blockedBy.replace(/[^.!?]$/, "$&.")}
        </p>
      )}
      <div className={clsx("flex flex-wrap gap-2", last && "justify-end max-sm:flex-col-reverse max-sm:*:w-full")}>
        <ReasonId value={blockedBy === null ? null : id}>{children}</ReasonId>
      </div>
    </div>
  );
}
