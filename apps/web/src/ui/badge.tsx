import { clsx } from "clsx";
import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";

export type Tone = "ok" | "warn" | "bad" | "busy" | "neutral";

const tones: Record<Tone, string> = {
  ok: "bg-ok-tint text-ok ring-ok/25",
  warn: "bg-warn-tint text-warn ring-warn/25",
  bad: "bg-bad-tint text-bad ring-bad/25",
  busy: "bg-busy-tint text-busy ring-busy/25",
  neutral: "bg-raised text-muted ring-line",
};

interface BadgeProps {
  readonly tone: Tone;
  /** A shape of its own for each state, so that the colour is never the only sign. */
  readonly icon?: LucideIcon;
  readonly title?: string | undefined;
  readonly children: ReactNode;
}

export function Badge({ tone, icon: Icon, title, children }: BadgeProps) {
  return (
    <span
      title={title}
      className={clsx(
        "inline-flex items-center gap-1.5 rounded-full px-2 py-0.5 text-[0.8125rem] leading-5 font-medium whitespace-nowrap ring-1 ring-inset",
        tones[tone],
      )}
    >
      {Icon !== undefined && <Icon aria-hidden className="size-3.5 shrink-0" strokeWidth={2.25} />}
      {children}
    </span>
  );
}
