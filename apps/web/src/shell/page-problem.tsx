import type { Problem } from "#lib/problem.ts";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { LiveRefresh } from "./live-refresh.tsx";

const retryMs = 5000;

/** A page whose data could not be had. It tries again by itself. */
export function PageProblem({ title, problem }: { readonly title: string; readonly problem: Problem }) {
  return (
    <>
      <h1 className="mb-5 text-2xl font-semibold">{title}</h1>
      <ErrorPanel title="This page has no data" problem={problem} />
      <LiveRefresh everyMs={retryMs} />
    </>
  );
}
