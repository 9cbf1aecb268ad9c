import type { Metadata } from "next";
import { AddServerWizard } from "#add-server/add-server-wizard.tsx";
import { graphql } from "#graphql/graphql.ts";
import { load } from "#lib/server-query.ts";
import { PageHeader } from "#shell/page-header.tsx";
import { PageProblem } from "#shell/page-problem.tsx";
import { LinkButton } from "#ui/button.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { Panel } from "#ui/panel.tsx";

export const metadata: Metadata = { title: "Add server" };

const AddServerPageQuery = graphql(`
  query AddServerPage {
    repositories(first: 100) {
      nodes {
        id
        name
        location
        state
        freeBytes
      }
    }
  }
`);

export default async function AddServerPage() {
  const loaded = await load(AddServerPageQuery, {});
  if (!loaded.ok) return <PageProblem title="Add server" problem={loaded.problem} />;
  const ready = loaded.value.repositories.nodes.filter((repository) => repository.state === "READY");
  return (
    <>
      <PageHeader
        trail={[{ title: "Servers", path: "/" }]}
        title="Add server"
        description="Nothing is installed on the database host."
      />
      <div className="max-w-3xl">
        {ready.length === 0 ? (
          <Panel padded={false}>
            <EmptyState
              title="No repository is ready"
              action={<LinkButton href="/repositories">To the repositories</LinkButton>}
            >
              Backups need a place to live first.
            </EmptyState>
          </Panel>
        ) : (
          <AddServerWizard repositories={ready} />
        )}
      </div>
    </>
  );
}
