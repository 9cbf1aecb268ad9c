"use client";
import { Button } from "#ui/button.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";

/** A fault of the dashboard itself; failures of the api are drawn by the pages. */
export default function PageFault({
  error,
  reset,
}: {
  readonly error: Error & { readonly digest?: string };
  readonly reset: () => void;
}) {
  const mark = error.digest === undefined ? "" : ` Its mark in the log of the web process is ${error.digest}.`;
  return (
    <ErrorPanel
      announce
      title="This page could not be drawn"
      problem={{
        code: "internal",
        message: `A fault of the dashboard.${mark}`,
        hint: "Draw it again; if it stays, the command line shows the same data.",
      }}
      action={<Button onClick={reset}>Draw again</Button>}
    />
  );
}
