"use client";
import { RunInline } from "#runs/run-inline.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { Note } from "#ui/note.tsx";
import { ConnectionReportView } from "./connection-report-view.tsx";
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
      {report?.ok === true && <Note kind="ok">Backups of this server can be taken.</Note>}
    </div>
  );
}
