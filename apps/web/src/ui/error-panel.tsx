import { CircleX } from "lucide-react";
import type { ReactNode } from "react";
import { sentence } from "#lib/format.ts";

interface ErrorPanelProps {
  /** What failed: `Backup of billing-eu`. */
  readonly title: string;
  readonly problem: { readonly code: string; readonly message: string; readonly hint?: string | null };
  readonly action?: ReactNode;
  /** True for a failure that just happened, which a screen reader should say. */
  readonly announce?: boolean;
}

/** A failure: what failed, why, what to do next, the stable code. */
export function ErrorPanel({ title, problem, action, announce = false }: ErrorPanelProps) {
  return (
    <div
      role={announce ? "alert" : undefined}
      className="flex gap-3 rounded-lg border border-bad/35 bg-bad-tint px-4 py-3 text-sm"
    >
      <CircleX aria-hidden className="mt-0.5 size-4.5 shrink-0 text-bad" />
      <div className="min-w-0 space-y-1">
        <p className="font-semibold text-bad">{title}</p>
        <p className="break-words">{sentence(problem.message)}</p>
        {problem.hint && (
          <p className="break-words">
            <span className="font-medium">Next step: </span>
            {problem.hint}
          </p>
        )}
        <p className="text-muted">
          Code <code>{problem.code}</code>
        </p>
        {action !== undefined && <div className="pt-1.5">{action}</div>}
      </div>
    </div>
  );
}
