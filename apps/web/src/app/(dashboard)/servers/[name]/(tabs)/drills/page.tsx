import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { CloneFields } from "#clones/clone-query.ts";
import { ClonesPanel } from "#clones/clones-panel.tsx";
import { DrillRowFields, DrillSettingsFields } from "#drills/drill-query.ts";
import { DrillSettingsForm } from "#drills/drill-settings.tsx";
import { DrillsTable } from "#drills/drills-table.tsx";
import { RunDrill } from "#drills/run-drill.tsx";
import { graphql } from "#graphql/graphql.ts";
import { serverPath, withParams } from "#lib/paths.ts";
import { readParam, type SearchParams } from "#lib/search-params.ts";
import { load } from "#lib/server-query.ts";
import { serverVariables } from "#servers/server-key.ts";
import { LiveRefresh } from "#shell/live-refresh.tsx";
import { PageProblem } from "#shell/page-problem.tsx";
import { LinkButton } from "#ui/button.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { Panel } from "#ui/panel.tsx";

export const metadata: Metadata = { title: "Drills and clones" };

const ServerDrills = graphql(
  `
    query ServerDrills($id: ID, $name: String) {
      server(id: $id, name: $name) {
        id
        name
        version
        drillSettings {
          ...DrillSettingsFields
        }
        clones {
          ...CloneFields
        }
        runs(kinds: [DRILL], first: 20) {
          totalCount
          nodes {
            ...DrillRowFields
          }
        }
      }
    }
  `,
  [DrillSettingsFields, CloneFields, DrillRowFields],
);

interface Props {
  readonly params: Promise<{ readonly name: string }>;
  readonly searchParams: SearchParams;
}

export default async function ServerDrillsPage({ params, searchParams }: Props) {
  const loaded = await load(ServerDrills, serverVariables((await params).name));
  if (!loaded.ok) return <PageProblem title="Drills and clones" problem={loaded.problem} />;
  const { server } = loaded.value;
  if (server === null) notFound();
  const initial = { at: await readParam(searchParams, "at"), timeline: await readParam(searchParams, "timeline") };
  const { nodes: drills, totalCount } = server.runs;
  return (
    <>
      <LiveRefresh everyMs={5_000} />
      <div className="space-y-5">
        <ClonesPanel serverId={server.id} clones={server.clones} initial={initial} />
        <Panel title="Drills" action={<RunDrill serverId={server.id} />} padded={false}>
          {drills.length === 0 ? (
            <EmptyState title="Nothing is proven yet">
              A drill restores a backup to a scratch place, starts a real PostgreSQL on it, checks it, and measures how
              long that takes.
            </EmptyState>
          ) : (
            <DrillsTable drills={drills} />
          )}
        </Panel>
        {totalCount > drills.length && (
          <p>
            <LinkButton small href={withParams(serverPath(server, "runs"), { kind: "DRILL" })}>
              All {totalCount} drills
            </LinkButton>
          </p>
        )}
        <DrillSettingsForm server={server} />
      </div>
    </>
  );
}
