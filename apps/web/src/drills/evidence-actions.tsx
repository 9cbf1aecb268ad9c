"use client";
import { Button, buttonClass } from "#ui/button.tsx";

/** On paper, or as a file of the api: a link of the page's own router would not download it. */
export function EvidenceActions({ runId }: { readonly runId: string }) {
  return (
    <div className="flex flex-wrap gap-2 print:hidden">
      <Button onClick={() => window.print()}>Print</Button>
      <a href={`/api/v1/runs/${encodeURIComponent(runId)}/evidence`} download className={buttonClass()}>
        Download JSON
      </a>
    </div>
  );
}
