import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { graphql } from "#graphql/graphql.ts";
import { bytes } from "#lib/format.ts";
import { serverPath } from "#lib/paths.ts";
import { load } from "#lib/server-query.ts";
import { RecoveryTimeline } from "#recovery/recovery-timeline.tsx";
import { TimelineWithSearch } from "#recovery/timeline-with-search.tsx";
import { WindowFields } from "#recovery/window-query.ts";
import { WindowSentence } from "#recovery/window-sentence.tsx";
import { WindowTable } from "#recovery/window-table.tsx";
import { serverVariables } from "#servers/server-key.ts";
import { LiveRefresh } from "#shell/live-refresh.tsx";
import { PageProblem } from "#shell/page-problem.tsx";
import { LinkButton } from "#ui/button.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { Panel } from "#ui/panel.tsx";

export const metadata: Metadata = { title: "Recovery" };

const ServerRecovery = graphql(
  `
    query ServerRecovery($id: ID, $name: String) {
      server(id: $id, name: $name) {
        id
        name
        wal {
          mode
          rpoSentence
        }
        recoveryWindow {
          ...WindowFields
        }
      }
    }
  `,
  [WindowFields],
);

export default async function ServerRecoveryPage({ params }: { readonly params: Promise<{ readonly name: string }> }) {
  const loaded = await load(ServerRecovery, serverVariables((await params).name));
  if (!loaded.ok) return <PageProblem title="Recovery" problem={loaded.problem} />;
  const { server } = loaded.value;
  if (server === null) notFound();
  const { lifetimes, segmentCount, segmentBytes } = server.recoveryWindow;
  return (
    <>
      <LiveRefresh everyMs={15_000} />
      <div className="space-y-5">
        {lifetimes.length === 0 && (
          <Panel>
            <EmptyState
              title="Nothing can be restored yet"
              action={<LinkButton href={serverPath(server)}>To {server.name}</LinkButton>}
            >
              The first backup makes the first instant one can go back to; the WAL after it makes every second.
            </EmptyState>
          </Panel>
        )}
        {lifetimes.map((lifetime, index) => (
          <div key={lifetime.systemIdentifier} className="space-y-5">
            {index > 0 && (
              <h2 className="text-sm font-medium text-muted">
                An earlier cluster of this server, system identifier {lifetime.systemIdentifier}
              </h2>
            )}
            <WindowSentence lifetime={lifetime} wal={server.wal} isNewest={index === 0} />
            {index === 0 ? (
              <TimelineWithSearch server={{ id: server.id, name: server.name }} lifetime={lifetime} />
            ) : (
              <RecoveryTimeline server={{ id: server.id, name: server.name }} lifetime={lifetime} />
            )}
            <Panel title="The same as a table" padded={false}>
              <WindowTable lifetime={lifetime} />
            </Panel>
          </div>
        ))}
        {segmentCount > 0 && (
          <p className="text-sm text-muted">
            {segmentCount.toLocaleString("en")} WAL segments take {bytes(segmentBytes)} in the repository.
          </p>
        )}
      </div>
    </>
  );
}
