"use client";
import { type FormEvent, type ReactNode, useState } from "react";
import { Button } from "#ui/button.tsx";
import { Actions, Dialog } from "#ui/dialog.tsx";
import { ActOutcome } from "./act-outcome.tsx";
import type { ServerAct } from "./use-server-act.ts";

interface Props {
  readonly act: Omit<ServerAct<never>, "start">;
  readonly title: string;
  readonly description: string;
  /** The button that opens it. */
  readonly trigger: ReactNode;
  /** On the button that does it. */
  readonly does: string;
  /** What is being done, beside its run. */
  readonly what: string;
  /** What is said above the reason when it was refused. */
  readonly failure: string;
  readonly start: (form: FormData) => void;
  /** What is asked, until it is done. */
  readonly children: ReactNode;
}

/** An act at a server: asked for, followed and told in one dialog. */
export function ServerActDialog({ act, title, description, trigger, does, what, failure, ...props }: Props) {
  const [open, setOpen] = useState(false);
  const done = act.result !== null;
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (!act.running) props.start(new FormData(event.currentTarget));
  };
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => {
        act.forget();
        setOpen(next);
      }}
      title={title}
      description={description}
      trigger={trigger}
    >
      <form onSubmit={submit} className="space-y-4">
        {!done && props.children}
        <ActOutcome act={act} what={what} failure={failure} />
        <Actions>
          <Button onClick={() => setOpen(false)}>{done ? "Done" : "Close"}</Button>
          {!done && (
            <Button type="submit" tone="primary" pending={act.running}>
              {does}
            </Button>
          )}
        </Actions>
      </form>
    </Dialog>
  );
}
