import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { serverPath } from "#lib/paths.ts";
import { readParam, type SearchParams } from "#lib/search-params.ts";
import { load } from "#lib/server-query.ts";
import { RestorePage } from "#restore/restore-query.ts";
import { RestoreWizard } from "#restore/restore-wizard.tsx";
import { serverVariables } from "#servers/server-key.ts";
import { PageHeader } from "#shell/page-header.tsx";
import { PageProblem } from "#shell/page-problem.tsx";
import { LinkButton } from "#ui/button.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { Panel } from "#ui/panel.tsx";
import { ServerZone } from "#ui/server-zone.tsx";

export const metadata: Metadata = { title: "Restore" };

interface Props {
  readonly params: Promise<{ readonly name: string }>;
  readonly searchParams: SearchParams;
}

export default async function RestoreServerPage({ params, searchParams }: Props) {
  const loaded = await load(RestorePage, serverVariables((await params).name));
  if (!loaded.ok) return <PageProblem title="Restore" problem={loaded.problem} />;
  const { server, system } = loaded.value;
  if (server === null) notFound();
  const initial = {
    backupId: await readParam(searchParams, "backup"),
    planRunId: await readParam(searchParams, "plan"),
    at: await readParam(searchParams, "at"),
    xid: await readParam(searchParams, "xid"),
    lsn: await readParam(searchParams, "lsn"),
    inclusive: (await readParam(searchParams, "inclusive")) !== "false",
    timeline: await readParam(searchParams, "timeline"),
  };
  return (
    <>
      <PageHeader
        trail={[
          { title: "Servers", path: "/" },
          { title: server.name, path: serverPath(server) },
        ]}
        title={`Restore ${server.name}`}
      />
      <div className="max-w-3xl">
        {server.backups.nodes.length === 0 ? (
          <Panel padded={false}>
            <EmptyState
              title="There is nothing to restore yet"
              action={<LinkButton href={serverPath(server)}>To {server.name}</LinkButton>}
            >
              {server.name} has no restorable backup.
            </EmptyState>
          </Panel>
        ) : (
          <ServerZone zone={server.timeZone}>
            <RestoreWizard
              server={{ id: server.id, name: server.name }}
              backups={server.backups.nodes}
              restoreRoots={system.restoreRoots}
              initial={initial}
            />
          </ServerZone>
        )}
      </div>
    </>
  );
}
