import type { Metadata } from "next";
import { graphql } from "#graphql/graphql.ts";
import { withParams } from "#lib/paths.ts";
import { oneOf, readParam, type SearchParams } from "#lib/search-params.ts";
import { load } from "#lib/server-query.ts";
import { RunRowFields } from "#runs/run-fields.ts";
import { RunFilter } from "#runs/run-filter.tsx";
import { isFinal, runKinds } from "#runs/run-state.ts";
import { RunsTable } from "#runs/runs-table.tsx";
import { LiveRefresh } from "#shell/live-refresh.tsx";
import { PageHeader } from "#shell/page-header.tsx";
import { PageProblem } from "#shell/page-problem.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { PagesOf } from "#ui/pages-of.tsx";
import { Panel } from "#ui/panel.tsx";

export const metadata: Metadata = { title: "Runs" };

const RunsOfPage = graphql(
  `
    query RunsOfPage($kinds: [RunKind!], $after: String) {
      runs(kinds: $kinds, first: 50, after: $after) {
        totalCount
        pageInfo {
          hasNextPage
          endCursor
        }
        nodes {
          ...RunRowFields
        }
      }
    }
  `,
  [RunRowFields],
);

export default async function RunsPage({ searchParams }: { readonly searchParams: SearchParams }) {
  const kind = oneOf(runKinds, await readParam(searchParams, "kind"));
  const after = await readParam(searchParams, "after");
  const loaded = await load(RunsOfPage, { kinds: kind === null ? null : [kind], after });
  if (!loaded.ok) return <PageProblem title="Runs" problem={loaded.problem} />;
  const { nodes, totalCount, pageInfo } = loaded.value.runs;
  return (
    <>
      <LiveRefresh everyMs={nodes.some((run) => !isFinal(run.state)) ? 3000 : 15_000} />
      <PageHeader
        title="Runs"
        description="Every act of Tidemark, asked for by a person, a script or a schedule."
        actions={<RunFilter kind={kind} />}
      />
      <Panel padded={false}>
        {nodes.length === 0 ? (
          <EmptyState title={kind === null ? "Nothing has run yet" : "No run of this kind yet"}>
            The first backup of a server is the first run.
          </EmptyState>
        ) : (
          <RunsTable runs={nodes} showServer />
        )}
        <PagesOf
          shown={nodes.length}
          total={totalCount}
          noun="runs"
          nextPath={pageInfo.hasNextPage ? withParams("/runs", { kind, after: pageInfo.endCursor }) : null}
          firstPath={after === null ? null : withParams("/runs", { kind })}
        />
      </Panel>
    </>
  );
}
