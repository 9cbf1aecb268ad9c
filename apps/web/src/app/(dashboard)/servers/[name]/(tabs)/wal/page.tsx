import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { graphql } from "#graphql/graphql.ts";
import { load } from "#lib/server-query.ts";
import { OfflineFields, offlineReason } from "#offline/offline-fields.ts";
import { serverVariables } from "#servers/server-key.ts";
import { LiveRefresh } from "#shell/live-refresh.tsx";
import { PageProblem } from "#shell/page-problem.tsx";
import { WalFields, WindowGapFields } from "#wal/wal-fields.ts";
import { WalView } from "#wal/wal-view.tsx";

export const metadata: Metadata = { title: "WAL" };

const ServerWalPage = graphql(
  `
    query ServerWalPage($id: ID, $name: String) {
      server(id: $id, name: $name) {
        id
        name
        inRecovery
        offline {
          ...OfflineFields
        }
        wal {
          ...WalFields
        }
        recoveryWindow {
          ...WindowGapFields
        }
      }
    }
  `,
  [OfflineFields, WalFields, WindowGapFields],
);

export default async function WalPage({ params }: { readonly params: Promise<{ readonly name: string }> }) {
  const loaded = await load(ServerWalPage, serverVariables((await params).name));
  if (!loaded.ok) return <PageProblem title="WAL" problem={loaded.problem} />;
  const { server } = loaded.value;
  if (server === null) notFound();
  return (
    <>
      <LiveRefresh everyMs={5_000} />
      <WalView
        server={{ id: server.id, name: server.name }}
        inRecovery={server.inRecovery ?? false}
        wal={server.wal}
        window={server.recoveryWindow}
        blockedBy={offlineReason(server.offline)}
      />
    </>
  );
}
