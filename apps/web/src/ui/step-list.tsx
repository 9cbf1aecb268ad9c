import { CircleCheck, CircleDashed, CircleX, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";

export type StepState = "OK" | "WARNING" | "FAILED" | "SKIPPED";

const looks = {
  OK: { icon: CircleCheck, className: "text-ok", text: "OK" },
  WARNING: { icon: TriangleAlert, className: "text-warn", text: "Warning" },
  FAILED: { icon: CircleX, className: "text-bad", text: "Failed" },
  SKIPPED: { icon: CircleDashed, className: "text-muted", text: "Not tried" },
} as const satisfies Record<StepState, unknown>;

/** Checks told apart, each with its outcome as shape and word. */
export function StepList({ label, children }: { readonly label: string; readonly children: ReactNode }) {
  return (
    <ol aria-label={label} className="divide-y rounded-md border">
      {children}
    </ol>
  );
}

interface StepProps {
  readonly state: StepState;
  readonly title: string;
  readonly beside?: ReactNode;
  readonly children?: ReactNode;
}

export function Step({ state, title, beside, children }: StepProps) {
  const { icon: Icon, className, text } = looks[state];
  return (
    <li className="flex gap-3 px-3.5 py-2.5 text-sm">
      <Icon aria-hidden className={`mt-0.5 size-4.5 shrink-0 ${className}`} />
      <div className="min-w-0 flex-1 wrap-anywhere">
        <p className="flex flex-wrap items-baseline justify-between gap-x-4">
          <span>
            <span className="font-medium">{title}</span> <span className={`text-[0.8125rem] ${className}`}>{text}</span>
          </span>
          {beside !== undefined && <span className="text-[0.8125rem] text-muted tabular-nums">{beside}</span>}
        </p>
        {children}
      </div>
    </li>
  );
}
