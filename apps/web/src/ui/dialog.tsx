"use client";
import * as Radix from "@radix-ui/react-dialog";
import { X } from "lucide-react";
import type { ReactNode } from "react";
import { ApartFromReasons, ButtonRow } from "./button-row.tsx";

interface DialogProps {
  /** Whether it is open, with `onOpenChange`; without both its trigger and its own buttons say. */
  readonly open?: boolean;
  readonly onOpenChange?: (open: boolean) => void;
  readonly title: string;
  readonly description?: ReactNode;
  /** What opens it, so that the focus returns there. */
  readonly trigger?: ReactNode;
  readonly wide?: boolean;
  readonly children: ReactNode;
}

export function Dialog({ open, onOpenChange, title, description, trigger, wide = false, children }: DialogProps) {
  return (
    <Radix.Root {...(open === undefined ? {} : { open })} {...(onOpenChange === undefined ? {} : { onOpenChange })}>
      {trigger !== undefined && <Radix.Trigger asChild>{trigger}</Radix.Trigger>}
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 bg-black/45 backdrop-blur-[1px]" />
        <Radix.Content
          {...(description === undefined ? { "aria-describedby": undefined } : {})}
          onOpenAutoFocus={focusWhatIsAsked}
          className={`fixed inset-x-3 top-[6dvh] z-50 mx-auto max-h-[88dvh] overflow-y-auto rounded-xl border bg-surface shadow-xl ${wide ? "max-w-2xl" : "max-w-lg"}`}
        >
          <div className="flex items-start justify-between gap-4 px-5 pt-4">
            <Radix.Title className="text-base font-semibold">{title}</Radix.Title>
            <Radix.Close
              aria-label="Close"
              className="-me-2 grid size-8 place-items-center rounded-md text-muted hover:bg-raised"
            >
              <X aria-hidden className="size-4.5" />
            </Radix.Close>
          </div>
          {description !== undefined && (
            <Radix.Description asChild>
              <div className="px-5 pt-1 text-sm text-muted">{description}</div>
            </Radix.Description>
          )}
          <div className="px-5 pt-4 pb-5">
            <ApartFromReasons>{children}</ApartFromReasons>
          </div>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

/**
 * The first field, so that one can type at once; without one the dialog itself, so that Enter neither closes it nor does
 * anything. Not under fingers, where a field's focus brings the keyboard that hides the rest.
 */
function focusWhatIsAsked(event: Event): void {
  const dialog = event.currentTarget;
  if (!(dialog instanceof HTMLElement)) return;
  event.preventDefault();
  const isTyped = window.matchMedia("(pointer: fine)").matches;
  const field = isTyped ? dialog.querySelector<HTMLElement>("form :is(input, select, textarea):enabled") : null;
  (field ?? dialog).focus();
}

interface ActionsProps {
  /** Why the last of them cannot be pressed yet. */
  readonly blockedBy?: string | null;
  readonly children: ReactNode;
}

/** The row of buttons that ends a dialog or form. */
export function Actions({ blockedBy = null, children }: ActionsProps) {
  return (
    <ButtonRow last blockedBy={blockedBy}>
      {children}
    </ButtonRow>
  );
}
