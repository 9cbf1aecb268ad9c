import type { Metadata } from "next";
import Link from "next/link";
import { notFound } from "next/navigation";
import { BackupRowFields } from "#backups/backup-row-fields.ts";
import { BackupsTable } from "#backups/backups-table.tsx";
import { graphql } from "#graphql/graphql.ts";
import { serverPath, withParams } from "#lib/paths.ts";
import { readParam, type SearchParams } from "#lib/search-params.ts";
import { load } from "#lib/server-query.ts";
import { serverVariables } from "#servers/server-key.ts";
import { LiveRefresh } from "#shell/live-refresh.tsx";
import { PageProblem } from "#shell/page-problem.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { PagesOf } from "#ui/pages-of.tsx";
import { Panel } from "#ui/panel.tsx";

export const metadata: Metadata = { title: "Backups" };

const ServerBackups = graphql(
  `
    query ServerBackups($id: ID, $name: String, $states: [BackupState!], $after: String) {
      server(id: $id, name: $name) {
        id
        name
        backups(states: $states, first: 50, after: $after) {
          totalCount
          pageInfo {
            hasNextPage
            endCursor
          }
          nodes {
            ...BackupRowFields
          }
        }
      }
    }
  `,
  [BackupRowFields],
);

const notDeleted = ["RUNNING", "STORED", "RESTORABLE", "FAILED", "INTERRUPTED", "DELETING"] as const;

interface Props {
  readonly params: Promise<{ readonly name: string }>;
  readonly searchParams: SearchParams;
}

export default async function ServerBackupsPage({ params, searchParams }: Props) {
  const all = await readParam(searchParams, "all");
  const after = await readParam(searchParams, "after");
  const loaded = await load(ServerBackups, {
    ...serverVariables((await params).name),
    states: all === null ? [...notDeleted] : null,
    after,
  });
  if (!loaded.ok) return <PageProblem title="Backups" problem={loaded.problem} />;
  const { server } = loaded.value;
  if (server === null) notFound();
  const { nodes, totalCount, pageInfo } = server.backups;
  const path = serverPath(server, "backups");
  return (
    <>
      <LiveRefresh everyMs={nodes.some((backup) => backup.state === "RUNNING") ? 3000 : 15_000} />
      <Panel
        title="Backups"
        description="Each one is complete: any can be restored, any can be deleted, without the others."
        padded={false}
        action={
          <Link
            href={all === null ? withParams(path, { all: "1" }) : path}
            className="rounded text-sm text-accent hover:underline"
          >
            {all === null ? "Show deleted ones, too" : "Hide deleted ones"}
          </Link>
        }
      >
        {nodes.length === 0 ? (
          <EmptyState title="No backup yet">
            Back up now, or from a terminal: <code>npx tidemark backup create {server.name} --wait</code>
          </EmptyState>
        ) : (
          <BackupsTable backups={nodes} />
        )}
        <PagesOf
          shown={nodes.length}
          total={totalCount}
          noun="backups"
          nextPath={pageInfo.hasNextPage ? withParams(path, { all, after: pageInfo.endCursor }) : null}
          firstPath={after === null ? null : withParams(path, { all })}
        />
      </Panel>
    </>
  );
}
