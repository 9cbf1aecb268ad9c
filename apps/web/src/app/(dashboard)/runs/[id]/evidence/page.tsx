import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { EvidencePage } from "#drills/drill-query.ts";
import { EvidenceActions } from "#drills/evidence-actions.tsx";
import { EvidenceView } from "#drills/evidence-view.tsx";
import { runPath } from "#lib/paths.ts";
import { load } from "#lib/server-query.ts";
import { PageHeader } from "#shell/page-header.tsx";
import { PageProblem } from "#shell/page-problem.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { Fact, Facts, Mono } from "#ui/facts.tsx";
import { Panel } from "#ui/panel.tsx";
import { Time } from "#ui/time.tsx";

export const metadata: Metadata = { title: "Evidence of a drill" };

interface Props {
  readonly params: Promise<{ readonly id: string }>;
}

/** Everything there is to show of a drill, to be printed or taken away. */
export default async function DrillEvidencePage({ params }: Props) {
  const loaded = await load(EvidencePage, { id: (await params).id });
  if (!loaded.ok) return <PageProblem title="Evidence" problem={loaded.problem} />;
  const { run } = loaded.value;
  if (run === null || run.kind !== "DRILL") notFound();
  const title = run.server === null ? "Evidence of a drill" : `Evidence of a drill of ${run.server.name}`;
  return (
    <>
      <PageHeader
        trail={[
          { title: "Runs", path: "/runs" },
          { title: "Drill", path: runPath(run.id) },
        ]}
        title={title}
        actions={run.drill === null ? undefined : <EvidenceActions runId={run.id} />}
      />
      <div className="space-y-5 print:space-y-3">
        {run.drill === null ? (
          <Panel>
            <EmptyState title="There is nothing to show">
              {run.error === null ? "The drill has not ended." : run.error.message}
            </EmptyState>
          </Panel>
        ) : (
          <EvidenceView drill={run.drill} />
        )}
        <Panel title="The run">
          <Facts columns={3}>
            <Fact label="Id">
              <Mono>{run.id}</Mono>
            </Fact>
            <Fact label="Asked for by">{run.requestedBy}</Fact>
            <Fact label="Asked for">
              <Time at={run.createdAt} show="absolute" />
            </Fact>
          </Facts>
        </Panel>
      </div>
    </>
  );
}
