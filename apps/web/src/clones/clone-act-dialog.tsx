"use client";
import { type FormEvent, type ReactNode, useState } from "react";
import { RunInline } from "#runs/run-inline.tsx";
import type { RunDetail } from "#runs/run-query.ts";
import type { ActRun } from "#runs/use-act-run.ts";
import { Button, type ButtonTone } from "#ui/button.tsx";
import { Actions, Dialog } from "#ui/dialog.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { Note } from "#ui/note.tsx";

interface Props {
  readonly act: Omit<ActRun<never>, "start">;
  /** On the button that opens it. */
  readonly opens: string;
  readonly openTone?: ButtonTone;
  /** Why it may not be opened now. */
  readonly blockedBy?: string | null;
  readonly title: string;
  readonly description: string;
  /** On the button that does it. */
  readonly does: string;
  readonly doTone?: ButtonTone;
  /** Does what is asked; a sentence when something is missing or wrong. */
  readonly start: (() => void) | string;
  /** What came of it. */
  readonly outcome: (run: RunDetail) => ReactNode;
  /** Open from the start: another page led here to do it. */
  readonly opened?: boolean;
  readonly children?: ReactNode;
}

/** An act at a clone: asked for, followed and told in one dialog. */
export function CloneActDialog(props: Props) {
  const { act, opens, openTone, blockedBy = null, title, description, does, doTone = "primary", start } = props;
  const [open, setOpen] = useState(props.opened ?? false);
  const missing = typeof start === "string" && act.done === null ? start : null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (typeof start !== "string" && !act.running) start();
  };
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => {
        if (!act.running) act.forget();
        setOpen(next);
      }}
      title={title}
      description={description}
      trigger={
        <Button small {...(openTone === undefined ? {} : { tone: openTone })} blockedBy={blockedBy}>
          {opens}
        </Button>
      }
    >
      <form onSubmit={submit} className="space-y-4">
        {act.done === null && props.children}
        {act.problem !== null && <ErrorPanel announce title={`${title}: not done`} problem={act.problem} />}
        {act.watched !== null && act.done === null && <RunInline watched={act.watched} what={title} />}
        <div role="status" className="empty:hidden">
          {act.done !== null && <Note kind="ok">{props.outcome(act.done)}</Note>}
        </div>
        <Actions blockedBy={missing}>
          <Button onClick={() => setOpen(false)}>{act.done === null ? "Close" : "Done"}</Button>
          {act.done === null && (
            <Button type="submit" tone={doTone} pending={act.running} blockedBy={missing}>
              {does}
            </Button>
          )}
        </Actions>
      </form>
    </Dialog>
  );
}
