"use client";
import { type FormEvent, useState } from "react";
import { type Problem, toProblem } from "#lib/problem.ts";
import { Button } from "#ui/button.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { TextField } from "#ui/field.tsx";
import { signIn } from "./auth-request.ts";

export function SignInForm({ next }: { readonly next: string }) {
  const [pending, setPending] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (pending) return;
    const form = new FormData(event.currentTarget);
    setPending(true);
    setProblem(null);
    try {
      await signIn(String(form.get("username")), String(form.get("password")));
      // A whole load, so that nothing drawn for nobody is kept.
      window.location.assign(next);
    } catch (error) {
      setProblem(toProblem(error));
      setPending(false);
    }
  };

  return (
    // Without JavaScript the form must not put the password into the address.
    <form method="post" onSubmit={(event) => void submit(event)} className="space-y-4">
      <TextField label="User name" name="username" autoComplete="username" defaultValue="admin" required />
      <TextField label="Password" name="password" type="password" autoComplete="current-password" required autoFocus />
      {problem !== null && <ErrorPanel announce title="Not signed in" problem={problem} />}
      <Button type="submit" tone="primary" pending={pending} className="w-full">
        Sign in
      </Button>
      <p className="text-[0.8125rem] text-muted">
        The first password was printed when Tidemark was started for the first time.
      </p>
    </form>
  );
}
