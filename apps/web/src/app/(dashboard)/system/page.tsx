import { CircleCheck, Unplug } from "lucide-react";
import type { Metadata } from "next";
import { graphql } from "#graphql/graphql.ts";
import { load } from "#lib/server-query.ts";
import { LiveRefresh } from "#shell/live-refresh.tsx";
import { PageHeader } from "#shell/page-header.tsx";
import { PageProblem } from "#shell/page-problem.tsx";
import { Badge } from "#ui/badge.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { Fact, Facts, Mono } from "#ui/facts.tsx";
import { Panel } from "#ui/panel.tsx";
import { Cell, Row, RowHeader, Table } from "#ui/table.tsx";
import { Time } from "#ui/time.tsx";

export const metadata: Metadata = { title: "System" };

const SystemPageQuery = graphql(`
  query SystemPage {
    system {
      version
      queueBackend
      metadataBackend
      home
      restoreRoots
      workers {
        id
        hostname
        pid
        startedAt
        lastSeenAt
        alive
      }
    }
  }
`);

const columns = [{ name: "Worker" }, { name: "State" }, { name: "Last seen" }, { name: "Started" }] as const;

export default async function SystemPage() {
  const loaded = await load(SystemPageQuery, {});
  if (!loaded.ok) return <PageProblem title="System" problem={loaded.problem} />;
  const { system } = loaded.value;
  return (
    <>
      <LiveRefresh everyMs={15_000} />
      <PageHeader title="System" />
      <div className="space-y-5">
        <Panel title="This installation">
          <Facts columns={3}>
            <Fact label="Version">{system.version}</Fact>
            <Fact label="Metadata">{system.metadataBackend}</Fact>
            <Fact label="Queue">{system.queueBackend}</Fact>
            {system.home !== null && (
              <Fact label="Home">
                <Mono>{system.home}</Mono>
              </Fact>
            )}
            <Fact label="Restores go to">
              {system.restoreRoots.length === 0
                ? "any empty directory a worker may write"
                : `below ${system.restoreRoots.join(", ")}`}
            </Fact>
          </Facts>
        </Panel>
        <Panel title="Workers" description="They do every act: backups, restores, tests." padded={false}>
          {system.workers.length === 0 ? (
            <EmptyState title="No worker has been seen">Runs wait until one starts.</EmptyState>
          ) : (
            <Table label="Workers" columns={columns}>
              {system.workers.map((worker) => (
                <Row key={worker.id}>
                  <RowHeader>
                    {worker.hostname} <span className="text-muted">pid {worker.pid}</span>
                  </RowHeader>
                  <Cell label="State">
                    {worker.alive ? (
                      <Badge tone="ok" icon={CircleCheck}>
                        Alive
                      </Badge>
                    ) : (
                      <Badge tone="neutral" icon={Unplug}>
                        Gone
                      </Badge>
                    )}
                  </Cell>
                  <Cell label="Last seen">
                    <Time at={worker.lastSeenAt} />
                  </Cell>
                  <Cell label="Started">
                    <Time at={worker.startedAt} show="absolute" />
                  </Cell>
                </Row>
              ))}
            </Table>
          )}
        </Panel>
      </div>
    </>
  );
}
