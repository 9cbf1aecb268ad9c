import type { Metadata } from "next";
import Link from "next/link";
import { graphql } from "#graphql/graphql.ts";
import { bytes } from "#lib/format.ts";
import { repositoryPath } from "#lib/paths.ts";
import { load } from "#lib/server-query.ts";
import { AddRepositoryDialog } from "#repositories/add-repository.tsx";
import { type RepositoryRow, RepositoryRowFields, RepositoryStateBadge } from "#repositories/repository-fields.tsx";
import { LiveRefresh } from "#shell/live-refresh.tsx";
import { PageHeader } from "#shell/page-header.tsx";
import { PageProblem } from "#shell/page-problem.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { Mono } from "#ui/facts.tsx";
import { Panel } from "#ui/panel.tsx";
import { Cell, Row, RowHeader, Table } from "#ui/table.tsx";
import { Time } from "#ui/time.tsx";

export const metadata: Metadata = { title: "Repositories" };

const RepositoriesPageQuery = graphql(
  `
    query RepositoriesPage {
      repositories(first: 100) {
        nodes {
          ...RepositoryRowFields
        }
      }
    }
  `,
  [RepositoryRowFields],
);

const columns = [
  { name: "Repository" },
  { name: "State" },
  { name: "Stored", align: "end" },
  { name: "Free", align: "end" },
  { name: "Encrypted" },
  { name: "Recovery kit" },
] as const;

export default async function RepositoriesPage() {
  const loaded = await load(RepositoriesPageQuery, {});
  if (!loaded.ok) return <PageProblem title="Repositories" problem={loaded.problem} />;
  const { nodes } = loaded.value.repositories;
  return (
    <>
      <LiveRefresh everyMs={15_000} />
      <PageHeader
        title="Repositories"
        description="Where backups live. Each stands alone: list, verify and restore need nothing else."
        actions={<AddRepositoryDialog />}
      />
      <Panel padded={false}>
        {nodes.length === 0 ? (
          <EmptyState title="No repository yet">Add a folder; the first backup needs one.</EmptyState>
        ) : (
          <Table label="Repositories" columns={columns}>
            {nodes.map((repository) => (
              <RepositoryLine key={repository.id} repository={repository} />
            ))}
          </Table>
        )}
      </Panel>
    </>
  );
}

function RepositoryLine({ repository }: { readonly repository: RepositoryRow }) {
  return (
    <Row>
      <RowHeader>
        <Link href={repositoryPath(repository.id)} className="font-semibold text-accent hover:underline">
          {repository.name}
        </Link>
        <span className="block text-[0.8125rem] text-muted">
          <Mono>{repository.location}</Mono>
        </span>
      </RowHeader>
      <Cell label="State">
        <RepositoryStateBadge state={repository.state} />
        {repository.stateDetail !== null && (
          <p className="mt-1 max-w-sm text-[0.8125rem] break-words text-muted">{repository.stateDetail}</p>
        )}
      </Cell>
      <Cell label="Stored" align="end">
        {bytes(repository.storedBytes)}
      </Cell>
      <Cell label="Free" align="end">
        {bytes(repository.freeBytes)}
      </Cell>
      <Cell label="Encrypted">{repository.encrypted ? "yes" : "no"}</Cell>
      <Cell label="Recovery kit">
        {!repository.encrypted && repository.recoveryKitSavedAt === null ? (
          "not needed"
        ) : repository.recoveryKitSavedAt === null ? (
          "not saved yet"
        ) : (
          <Time at={repository.recoveryKitSavedAt} />
        )}
      </Cell>
    </Row>
  );
}
