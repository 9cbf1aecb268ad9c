import type { Metadata } from "next";
import { notFound } from "next/navigation";
import type { ReactNode } from "react";
import { restorePath } from "#lib/paths.ts";
import { OfflineBadge } from "#offline/offline-badge.tsx";
import { OfflineBanner } from "#offline/offline-banner.tsx";
import { offlineReason } from "#offline/offline-fields.ts";
import { ProtectionBadge } from "#servers/protection-badge.tsx";
import { loadServerHeader } from "#servers/server-header-query.ts";
import { ServerTabs } from "#servers/server-tabs.tsx";
import { TakeBackup } from "#servers/take-backup.tsx";
import { PageHeader } from "#shell/page-header.tsx";
import { PageProblem } from "#shell/page-problem.tsx";
import { LinkButton } from "#ui/button.tsx";
import { ServerZone } from "#ui/server-zone.tsx";

interface Props {
  readonly params: Promise<{ readonly name: string }>;
  readonly children: ReactNode;
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const loaded = await loadServerHeader((await params).name);
  const name = loaded.ok ? loaded.value.server?.name : undefined;
  return { title: { default: name ?? "Server", template: `%s · ${name ?? "Server"} · Tidemark` } };
}

export default async function ServerLayout({ params, children }: Props) {
  const loaded = await loadServerHeader((await params).name);
  if (!loaded.ok) return <PageProblem title="Server" problem={loaded.problem} />;
  const { server } = loaded.value;
  if (server === null) notFound();
  return (
    <>
      <PageHeader
        trail={[{ title: "Servers", path: "/" }]}
        title={server.name}
        beside={
          <>
            <ProtectionBadge protection={server.protection} />
            {server.offline !== null && <OfflineBadge offline={server.offline} />}
          </>
        }
        description={
          server.serverVersion === null
            ? server.connection
            : `PostgreSQL ${server.serverVersion} · ${server.connection}`
        }
        actions={
          <>
            {server.backups.totalCount > 0 && <LinkButton href={restorePath(server)}>Restore…</LinkButton>}
            <TakeBackup server={server} blockedBy={offlineReason(server.offline)} />
          </>
        }
      />
      {server.offline !== null && <OfflineBanner serverId={server.id} offline={server.offline} />}
      <ServerTabs server={{ id: server.id, name: server.name }} />
      <ServerZone zone={server.timeZone}>{children}</ServerZone>
    </>
  );
}
