import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { BackupRowFields } from "#backups/backup-row-fields.ts";
import { BackupsTable } from "#backups/backups-table.tsx";
import { FindingFields } from "#findings/finding-fields.ts";
import { FindingItem } from "#findings/finding-item.tsx";
import { worstFirst } from "#findings/severity.ts";
import { graphql } from "#graphql/graphql.ts";
import { sentence } from "#lib/format.ts";
import { serverPath } from "#lib/paths.ts";
import { load } from "#lib/server-query.ts";
import { RunRowFields } from "#runs/run-fields.ts";
import { RunsTable } from "#runs/runs-table.tsx";
import { OverviewFactFields, OverviewFacts } from "#servers/overview-facts.tsx";
import { ProtectionFields } from "#servers/protection-badge.tsx";
import { loadServerHeader } from "#servers/server-header-query.ts";
import { serverVariables } from "#servers/server-key.ts";
import { LiveRefresh } from "#shell/live-refresh.tsx";
import { PageProblem } from "#shell/page-problem.tsx";
import { LinkButton } from "#ui/button.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { Panel } from "#ui/panel.tsx";

interface Props {
  readonly params: Promise<{ readonly name: string }>;
}

/** A frame's title template does not reach the page beside it. */
export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const loaded = await loadServerHeader((await params).name);
  return { title: { absolute: `${(loaded.ok ? loaded.value.server?.name : null) ?? "Server"} · Tidemark` } };
}

const ServerOverview = graphql(
  `
    query ServerOverview($id: ID, $name: String) {
      server(id: $id, name: $name) {
        id
        name
        ...OverviewFactFields
        protection {
          ...ProtectionFields
        }
        runningRun {
          ...RunRowFields
        }
        findings {
          ...FindingFields
        }
        backups(first: 5) {
          nodes {
            ...BackupRowFields
          }
        }
      }
    }
  `,
  [OverviewFactFields, ProtectionFields, RunRowFields, FindingFields, BackupRowFields],
);

export default async function ServerOverviewPage({ params }: Props) {
  const loaded = await load(ServerOverview, serverVariables((await params).name));
  if (!loaded.ok) return <PageProblem title="Overview" problem={loaded.problem} />;
  const { server } = loaded.value;
  if (server === null) notFound();
  return (
    <>
      <LiveRefresh everyMs={server.runningRun === null ? 15_000 : 3000} />
      <div className="space-y-5">
        {server.runningRun !== null && (
          <Panel title="Running now" padded={false}>
            <RunsTable runs={[server.runningRun]} showServer={false} />
          </Panel>
        )}
        {server.protection.reasons.length > 0 && (
          <Panel title="Why this state">
            <ul className="list-disc space-y-1 ps-5 text-sm">
              {server.protection.reasons.map((reason) => (
                <li key={reason}>{sentence(reason)}</li>
              ))}
            </ul>
          </Panel>
        )}
        {server.findings.length > 0 && (
          <Panel
            title="Findings"
            padded={false}
            action={
              <LinkButton small href={serverPath(server, "readiness")}>
                All checks
              </LinkButton>
            }
          >
            <ul className="divide-y">
              {worstFirst(server.findings).map((finding) => (
                <FindingItem key={finding.id} finding={finding} />
              ))}
            </ul>
          </Panel>
        )}
        <OverviewFacts server={server} />
        <Panel title="Newest backups" padded={false}>
          {server.backups.nodes.length === 0 ? (
            <EmptyState title="No backup yet">Back up now, or wait for the schedule.</EmptyState>
          ) : (
            <BackupsTable backups={server.backups.nodes} />
          )}
        </Panel>
      </div>
    </>
  );
}
