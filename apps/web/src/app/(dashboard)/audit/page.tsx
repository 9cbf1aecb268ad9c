import type { Metadata } from "next";
import Link from "next/link";
import { graphql, type ResultOf } from "#graphql/graphql.ts";
import { backupPath, repositoryPath, runPath, withParams } from "#lib/paths.ts";
import { readParam, type SearchParams } from "#lib/search-params.ts";
import { load } from "#lib/server-query.ts";
import { PageHeader } from "#shell/page-header.tsx";
import { PageProblem } from "#shell/page-problem.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { Mono } from "#ui/facts.tsx";
import { PagesOf } from "#ui/pages-of.tsx";
import { Panel } from "#ui/panel.tsx";
import { Cell, Row, RowHeader, Table } from "#ui/table.tsx";
import { Time } from "#ui/time.tsx";

export const metadata: Metadata = { title: "Audit" };

const AuditPageQuery = graphql(`
  query AuditPage($after: String) {
    auditEvents(first: 50, after: $after) {
      totalCount
      pageInfo {
        hasNextPage
        endCursor
      }
      nodes {
        id
        at
        actor
        action
        targetKind
        targetId
        detail
        outcome
      }
    }
  }
`);

type AuditEvent = ResultOf<typeof AuditPageQuery>["auditEvents"]["nodes"][number];

const columns = [{ name: "When" }, { name: "Who" }, { name: "Did" }, { name: "To" }, { name: "Outcome" }] as const;

export default async function AuditPage({ searchParams }: { readonly searchParams: SearchParams }) {
  const after = await readParam(searchParams, "after");
  const loaded = await load(AuditPageQuery, { after });
  if (!loaded.ok) return <PageProblem title="Audit" problem={loaded.problem} />;
  const { nodes, totalCount, pageInfo } = loaded.value.auditEvents;
  return (
    <>
      <PageHeader title="Audit" description="Everything that was asked for, by whom, and what came of it." />
      <Panel padded={false}>
        {nodes.length === 0 ? (
          <EmptyState title="Nothing was asked for yet" />
        ) : (
          <Table label="Audit events" columns={columns}>
            {nodes.map((event) => (
              <AuditLine key={event.id} event={event} />
            ))}
          </Table>
        )}
        <PagesOf
          shown={nodes.length}
          total={totalCount}
          noun="events"
          nextPath={pageInfo.hasNextPage ? withParams("/audit", { after: pageInfo.endCursor }) : null}
          firstPath={after === null ? null : "/audit"}
        />
      </Panel>
    </>
  );
}

function AuditLine({ event }: { readonly event: AuditEvent }) {
  const path = targetPath(event);
  const target = event.targetId ?? "–";
  return (
    <Row>
      <RowHeader>
        <Time at={event.at} show="absolute" />
      </RowHeader>
      <Cell label="Who">{event.actor}</Cell>
      <Cell label="Did">
        {event.action}
        {isFilled(event.detail) && (
          <details className="text-[0.8125rem] text-muted">
            <summary className="w-fit rounded">Details</summary>
            <pre className="mt-1 max-w-md overflow-x-auto whitespace-pre-wrap">
              {JSON.stringify(event.detail, null, 2)}
            </pre>
          </details>
        )}
      </Cell>
      <Cell label="To">
        {path === null ? (
          <Mono>{target}</Mono>
        ) : (
          <Link href={path} className="text-accent hover:underline">
            <Mono>{target}</Mono>
          </Link>
        )}
      </Cell>
      <Cell label="Outcome">{event.outcome}</Cell>
    </Row>
  );
}

function targetPath({ targetId }: AuditEvent): string | null {
  if (targetId === null) return null;
  if (targetId.startsWith("bak_")) return backupPath(targetId);
  if (targetId.startsWith("run_")) return runPath(targetId);
  if (targetId.startsWith("rep_")) return repositoryPath(targetId);
  if (targetId.startsWith("srv_")) return `/servers/${targetId}`;
  return null;
}

function isFilled(detail: unknown): boolean {
  return typeof detail === "object" && detail !== null && Object.keys(detail).length > 0;
}
