"use client";
import { type FormEvent, type ReactNode, useState } from "react";
import type { Problem } from "#lib/problem.ts";
import { Button, type ButtonTone } from "./button.tsx";
import { Actions, Dialog } from "./dialog.tsx";
import { ErrorPanel } from "./error-panel.tsx";

interface Props {
  /** How the act goes (`useAct`). */
  readonly act: { readonly pending: boolean; readonly problem: Problem | null; readonly clear: () => void };
  readonly title: string;
  readonly description?: ReactNode;
  /** The button that opens it. */
  readonly trigger: ReactNode;
  readonly wide?: boolean;
  /** On the button that does it. */
  readonly does: string;
  readonly tone?: ButtonTone;
  /** Why it may not be done now. */
  readonly blockedBy?: string | null;
  /** On the button that leaves all as it is. */
  readonly leaves?: string;
  /** What is said above the reason when it was refused. */
  readonly failure: string;
  /** Does it; true: it is done, and the dialog closes. */
  readonly onAct: (form: FormData) => Promise<boolean>;
  readonly children?: ReactNode;
}

/** An act in a dialog: what is asked, the reason when it was refused, a button to leave and one to do it. */
export function ActDialog(props: Props) {
  const { act, title, description, trigger, wide, does, tone = "primary", blockedBy = null, leaves = "Close" } = props;
  const [open, setOpen] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (act.pending || blockedBy !== null) return;
    if (await props.onAct(new FormData(event.currentTarget))) setOpen(false);
  };
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => {
        act.clear();
        setOpen(next);
      }}
      title={title}
      {...(description === undefined ? {} : { description })}
      trigger={trigger}
      {...(wide === undefined ? {} : { wide })}
    >
      <form onSubmit={(event) => void submit(event)} className="space-y-4">
        {props.children}
        {act.problem !== null && <ErrorPanel announce title={props.failure} problem={act.problem} />}
        <Actions blockedBy={blockedBy}>
          <Button onClick={() => setOpen(false)}>{leaves}</Button>
          <Button type="submit" tone={tone} pending={act.pending} blockedBy={blockedBy}>
            {does}
          </Button>
        </Actions>
      </form>
    </Dialog>
  );
}
