import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { graphql } from "#graphql/graphql.ts";
import { serverPath, withParams } from "#lib/paths.ts";
import { oneOf, readParam, type SearchParams } from "#lib/search-params.ts";
import { load } from "#lib/server-query.ts";
import { RunRowFields } from "#runs/run-fields.ts";
import { RunFilter } from "#runs/run-filter.tsx";
import { isFinal, runKinds } from "#runs/run-state.ts";
import { RunsTable } from "#runs/runs-table.tsx";
import { serverVariables } from "#servers/server-key.ts";
import { LiveRefresh } from "#shell/live-refresh.tsx";
import { PageProblem } from "#shell/page-problem.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { PagesOf } from "#ui/pages-of.tsx";
import { Panel } from "#ui/panel.tsx";

export const metadata: Metadata = { title: "Runs" };

const ServerRuns = graphql(
  `
    query ServerRuns($id: ID, $name: String, $kinds: [RunKind!], $after: String) {
      server(id: $id, name: $name) {
        id
        name
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
    }
  `,
  [RunRowFields],
);

interface Props {
  readonly params: Promise<{ readonly name: string }>;
  readonly searchParams: SearchParams;
}

export default async function ServerRunsPage({ params, searchParams }: Props) {
  const kind = oneOf(runKinds, await readParam(searchParams, "kind"));
  const after = await readParam(searchParams, "after");
  const loaded = await load(ServerRuns, {
    ...serverVariables((await params).name),
    kinds: kind === null ? null : [kind],
    after,
  });
  if (!loaded.ok) return <PageProblem title="Runs" problem={loaded.problem} />;
  const { server } = loaded.value;
  if (server === null) notFound();
  const { nodes, totalCount, pageInfo } = server.runs;
  const path = serverPath(server, "runs");
  return (
    <>
      <LiveRefresh everyMs={nodes.some((run) => !isFinal(run.state)) ? 3000 : 15_000} />
      <Panel title="Runs" padded={false} action={<RunFilter kind={kind} />}>
        {nodes.length === 0 ? <EmptyState title="No run here yet" /> : <RunsTable runs={nodes} showServer={false} />}
        <PagesOf
          shown={nodes.length}
          total={totalCount}
          noun="runs"
          nextPath={pageInfo.hasNextPage ? withParams(path, { kind, after: pageInfo.endCursor }) : null}
          firstPath={after === null ? null : withParams(path, { kind })}
        />
      </Panel>
    </>
  );
}
