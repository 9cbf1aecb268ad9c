import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { ServerCheckFields } from "#checks/check-fields.ts";
import { Readiness } from "#checks/readiness.tsx";
import { ResolvedFindingFields, ResolvedFindings } from "#checks/resolved-findings.tsx";
import { graphql } from "#graphql/graphql.ts";
import { load } from "#lib/server-query.ts";
import { OfflineFields, offlineReason } from "#offline/offline-fields.ts";
import { PrivilegesFields } from "#privileges/privileges-fields.ts";
import { serverVariables } from "#servers/server-key.ts";
import { LiveRefresh } from "#shell/live-refresh.tsx";
import { PageProblem } from "#shell/page-problem.tsx";

export const metadata: Metadata = { title: "Readiness" };

const ServerReadiness = graphql(
  `
    query ServerReadiness($id: ID, $name: String) {
      server(id: $id, name: $name) {
        id
        offline {
          ...OfflineFields
        }
        snapshot {
          observedAt
          privileges {
            ...PrivilegesFields
          }
        }
        checks {
          ...ServerCheckFields
        }
        open: findings(open: true) {
          checkId
          firstSeenAt
          lastSeenAt
        }
        resolved: findings(open: false) {
          ...ResolvedFindingFields
        }
      }
    }
  `,
  [OfflineFields, PrivilegesFields, ServerCheckFields, ResolvedFindingFields],
);

const refreshMs = 15_000;

export default async function ServerReadinessPage({ params }: { readonly params: Promise<{ readonly name: string }> }) {
  const loaded = await load(ServerReadiness, serverVariables((await params).name));
  if (!loaded.ok) return <PageProblem title="Readiness" problem={loaded.problem} />;
  const { server } = loaded.value;
  if (server === null) notFound();
  return (
    <>
      <LiveRefresh everyMs={refreshMs} />
      <div className="space-y-5">
        <Readiness
          serverId={server.id}
          checks={server.checks}
          inspectedAt={server.snapshot?.observedAt ?? null}
          privileges={server.snapshot?.privileges ?? null}
          seen={server.open}
          blockedBy={offlineReason(server.offline)}
        />
        <ResolvedFindings findings={server.resolved} />
      </div>
    </>
  );
}
