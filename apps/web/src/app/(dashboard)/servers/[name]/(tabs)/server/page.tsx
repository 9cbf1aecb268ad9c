import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { graphql } from "#graphql/graphql.ts";
import { load } from "#lib/server-query.ts";
import { OfflineFields, offlineReason } from "#offline/offline-fields.ts";
import { ServerView } from "#server-facts/server-view.tsx";
import { SnapshotFields } from "#server-facts/snapshot-fields.ts";
import { serverVariables } from "#servers/server-key.ts";
import { LiveRefresh } from "#shell/live-refresh.tsx";
import { PageProblem } from "#shell/page-problem.tsx";

export const metadata: Metadata = { title: "Server" };

const ServerTold = graphql(
  `
    query ServerTold($id: ID, $name: String) {
      server(id: $id, name: $name) {
        id
        offline {
          ...OfflineFields
        }
        snapshot {
          ...SnapshotFields
        }
        findings(open: true) {
          checkId
          found
          firstSeenAt
        }
      }
    }
  `,
  [OfflineFields, SnapshotFields],
);

/** The check that comes before all others, by the worker's name: whether the server can be asked at all. */
const connectionCheck = "connection";
const refreshMs = 15_000;

export default async function ServerToldPage({ params }: { readonly params: Promise<{ readonly name: string }> }) {
  const loaded = await load(ServerTold, serverVariables((await params).name));
  if (!loaded.ok) return <PageProblem title="Server" problem={loaded.problem} />;
  const { server } = loaded.value;
  if (server === null) notFound();
  return (
    <>
      <LiveRefresh everyMs={refreshMs} />
      <ServerView
        serverId={server.id}
        snapshot={server.snapshot}
        away={server.findings.find((finding) => finding.checkId === connectionCheck) ?? null}
        blockedBy={offlineReason(server.offline)}
      />
    </>
  );
}
