import type { ReactNode } from "react";
import { Logo } from "./logo.tsx";

/** The frame of the pages before the dashboard: sign in, first password. */
export function EntryPage({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <main className="mx-auto flex min-h-dvh max-w-sm flex-col justify-center px-4 pb-24">
      <div className="mb-6 flex justify-center">
        <Logo />
      </div>
      <div className="rounded-xl border bg-surface p-6 shadow-sm">
        <h1 className="mb-4 text-lg font-semibold">{title}</h1>
        {children}
      </div>
    </main>
  );
}
