import type { Metadata } from "next";
import { LinkButton } from "#ui/button.tsx";
import { EmptyState } from "#ui/empty-state.tsx";

export const metadata: Metadata = { title: "Not found" };

export default function NotFound() {
  return (
    <main className="mx-auto max-w-2xl pt-16">
      <h1 className="sr-only">Not found</h1>
      <EmptyState title="There is nothing at this address" action={<LinkButton href="/">To the servers</LinkButton>}>
        What was here may have been removed, or the link was cut short.
      </EmptyState>
    </main>
  );
}
