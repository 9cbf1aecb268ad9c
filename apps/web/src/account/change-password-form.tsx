"use client";
import { type FormEvent, useState } from "react";
import { type Problem, toProblem } from "#lib/problem.ts";
import { Button } from "#ui/button.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { TextField } from "#ui/field.tsx";
import { Note } from "#ui/note.tsx";
import { changePassword } from "./auth-request.ts";

/** better-auth's own minimum. */
const minimumLength = 8;

export function ChangePasswordForm({
  username,
  leadsHome = false,
}: {
  readonly username: string;
  readonly leadsHome?: boolean;
}) {
  const [state, setState] = useState<"idle" | "pending" | "done">("idle");
  const [problem, setProblem] = useState<Problem | null>(null);
  const [mismatch, setMismatch] = useState(false);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (state === "pending") return;
    const form = event.currentTarget;
    const entered = new FormData(form);
    const differs = entered.get("new") !== entered.get("again");
    setMismatch(differs);
    setProblem(null);
    if (differs) return;
    setState("pending");
    try {
      await changePassword(String(entered.get("current")), String(entered.get("new")));
      if (leadsHome) return window.location.assign("/");
      form.reset();
      setState("done");
    } catch (error) {
      setProblem(toProblem(error));
      setState("idle");
    }
  };

  return (
    <form method="post" onSubmit={(event) => void submit(event)} className="space-y-4">
      <input type="text" name="username" autoComplete="username" value={username} readOnly hidden />
      <TextField label="Current password" name="current" type="password" autoComplete="current-password" required />
      <TextField
        label="New password"
        name="new"
        type="password"
        autoComplete="new-password"
        minLength={minimumLength}
        required
        hint={`At least ${minimumLength} characters.`}
      />
      <TextField
        label="New password again"
        name="again"
        type="password"
        autoComplete="new-password"
        required
        error={mismatch ? "The two new passwords differ." : null}
      />
      {problem !== null && <ErrorPanel announce title="The password was not changed" problem={problem} />}
      <div role="status">
        {state === "done" && <Note kind="ok">The password was changed; other sessions were ended.</Note>}
      </div>
      <Button type="submit" tone="primary" pending={state === "pending"} className={leadsHome ? "w-full" : ""}>
        Change password
      </Button>
    </form>
  );
}
