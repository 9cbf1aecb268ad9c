"use client";
import { blockingChecks } from "#checks/check-filter.ts";
import { plural } from "#lib/format.ts";
import { RunInline } from "#runs/run-inline.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { Note } from "#ui/note.tsx";
import { type ConnectionReport, ConnectionReportView } from "./connection-report-view.tsx";
import type { ConnectionTest } from "./use-connection-test.ts";

export function ConnectionTestResult({ test }: { readonly test: ConnectionTest }) {
  if (test.problem !== null)
    return <ErrorPanel announce title="The connection was not tested" problem={test.problem} />;
  if (test.watched === null) return null;
  const report = test.watched.run?.connectionReport ?? null;
  return (
    <div className="space-y-4">
      <RunInline watched={test.watched} what="Connection test" />
      {report !== null && <ConnectionReportView report={report} />}
      {report !== null && <Verdict report={report} />}
    </div>
  );
}

/** Whether one may go on: what blocks backups prevents it, what is a risk does not. */
function Verdict({ report }: { readonly report: ConnectionReport }) {
  const blocking = blockingChecks(report.checks).length;
  const others = report.checks.filter((check) => check.state === "FOUND").length - blocking;
  if (canBeBackedUp(report)) {
    return (
      <Note kind="ok">
        Backups of this server can be taken.
        {others > 0 && ` ${plural(others, "finding")} above can be mended later, on its Readiness tab.`}
      </Note>
    );
  }
  if (blocking === 0) return null;
  return (
    <Note kind="warn">
      {plural(blocking, "finding")} above {blocking === 1 ? "blocks" : "block"} backups. Do what{" "}
      {blocking === 1 ? "it says" : "they say"}, then test again.
    </Note>
  );
}

/** True when the connection works and nothing that was found prevents backups. */
export function canBeBackedUp(report: Pick<ConnectionReport, "ok" | "checks">): boolean {
  return report.ok && blockingChecks(report.checks).length === 0;
}
