"use client";
import { clsx } from "clsx";
import Link from "next/link";
import { type ComponentProps, useId } from "react";
import { useReasonBeside } from "./button-row.tsx";

export type ButtonTone = "primary" | "plain" | "quiet" | "danger";

const tones: Record<ButtonTone, string> = {
  primary: "bg-accent text-on-accent hover:bg-accent-strong border-transparent shadow-xs",
  plain: "bg-surface text-text border-field/60 hover:bg-raised shadow-xs",
  quiet: "border-transparent text-accent hover:bg-accent-tint",
  danger: "bg-bad text-on-bad border-transparent hover:opacity-90 shadow-xs",
};

export function buttonClass(tone: ButtonTone = "plain", small = false): string {
  return clsx(
    "inline-flex items-center justify-center gap-2 rounded-md border font-medium whitespace-nowrap transition-colors select-none",
    "disabled:cursor-not-allowed disabled:opacity-55 aria-disabled:cursor-not-allowed aria-disabled:opacity-55",
    small ? "min-h-8 px-2.5 text-[0.8125rem]" : "min-h-9 px-3.5 text-sm max-md:min-h-11",
    tones[tone],
  );
}

type ButtonProps = ComponentProps<"button"> & {
  readonly tone?: ButtonTone | undefined;
  readonly small?: boolean | undefined;
  readonly pending?: boolean;
  /** Why it may not be pressed now; it stays focusable, so that the reason can be heard and seen. */
  readonly blockedBy?: string | null;
};

/**
 * While `pending` or blocked it stays focusable and says so, but does nothing when pressed. The reason stands in words in its
 * `ButtonRow`; elsewhere it appears behind the button that has the focus, and a mouse sees it as a tooltip.
 */
export function Button({
  tone,
  small,
  pending = false,
  blockedBy = null,
  className,
  onClick,
  children,
  type = "button",
  ...rest
}: ButtonProps) {
  const own = useId();
  const beside = useReasonBeside();
  const isBlocked = blockedBy !== null;
  return (
    <>
      <button
        type={type}
        className={clsx(buttonClass(tone, small), className)}
        aria-disabled={pending || isBlocked || undefined}
        aria-busy={pending || undefined}
        aria-describedby={isBlocked ? (beside ?? own) : undefined}
        title={blockedBy ?? undefined}
        onClick={(event) => {
          if (pending || isBlocked) event.preventDefault();
          else onClick?.(event);
        }}
        {...rest}
      >
        {pending && (
          <span
            aria-hidden
            className="size-3.5 animate-spin rounded-full border-2 border-current border-t-transparent"
          />
        )}
        {children}
      </button>
      {isBlocked && beside === null && (
        <span id={own} className="blocked-reason">
          {blockedBy}
        </span>
      )}
    </>
  );
}

type LinkButtonProps = ComponentProps<typeof Link> & {
  readonly tone?: ButtonTone | undefined;
  readonly small?: boolean | undefined;
  /** Why it leads nowhere now; it is a blocked button then. */
  readonly blockedBy?: string | null;
};

export function LinkButton({ tone, small, blockedBy = null, className, children, ...rest }: LinkButtonProps) {
  if (blockedBy !== null) {
    return (
      <Button blockedBy={blockedBy} className={className} tone={tone} small={small}>
        {children}
      </Button>
    );
  }
  return (
    <Link className={clsx(buttonClass(tone, small), className)} {...rest}>
      {children}
    </Link>
  );
}
