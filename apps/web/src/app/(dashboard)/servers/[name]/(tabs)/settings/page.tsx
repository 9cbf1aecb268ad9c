import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { graphql } from "#graphql/graphql.ts";
import { load } from "#lib/server-query.ts";
import { OfflinePeriodFields, OfflineSettings } from "#offline/offline-settings.tsx";
import { PolicyRules, PolicyTargets } from "#retention/policy-rules.ts";
import { RetentionSettings } from "#retention/retention-settings.tsx";
import { TargetSettings } from "#retention/target-settings.tsx";
import { ScheduleFields } from "#schedules/schedule-fields.ts";
import { ScheduleSettings } from "#schedules/schedule-settings.tsx";
import { ConnectionSettings } from "#servers/connection-settings.tsx";
import { MethodSettings } from "#servers/method-settings.tsx";
import { RemoveServer } from "#servers/remove-server.tsx";
import { SecondRepository } from "#servers/second-repository.tsx";
import { SecondRepositoryFields } from "#servers/second-repository-fields.ts";
import { serverVariables } from "#servers/server-key.ts";
import { PageProblem } from "#shell/page-problem.tsx";
import { WalSettings } from "#wal/wal-settings.tsx";

export const metadata: Metadata = { title: "Settings" };

const ServerSettings = graphql(
  `
    query ServerSettings($id: ID, $name: String) {
      server(id: $id, name: $name) {
        id
        name
        connection
        version
        backupMethod
        wal {
          mode
          synchronous
        }
        ...SecondRepositoryFields
        policy {
          ...PolicyRules
          ...PolicyTargets
        }
        verifications {
          repository {
            id
          }
          late
          sentence
        }
        schedules {
          ...ScheduleFields
        }
        offlinePeriods(first: 20) {
          ...OfflinePeriodFields
        }
      }
      repositories(first: 100) {
        nodes {
          id
          name
          state
        }
      }
    }
  `,
  [SecondRepositoryFields, ScheduleFields, OfflinePeriodFields, PolicyRules, PolicyTargets],
);

export default async function ServerSettingsPage({ params }: { readonly params: Promise<{ readonly name: string }> }) {
  const loaded = await load(ServerSettings, serverVariables((await params).name));
  if (!loaded.ok) return <PageProblem title="Settings" problem={loaded.problem} />;
  const { server, repositories } = loaded.value;
  if (server === null) notFound();
  return (
    <div className="space-y-5">
      <ScheduleSettings serverId={server.id} schedules={server.schedules} />
      <MethodSettings server={server} />
      <WalSettings server={server} />
      <SecondRepository
        server={server}
        repositories={repositories.nodes.filter(
          ({ id, state }) => id === server.copyTo?.id || (state !== "ATTACHING" && state !== "FAILED"),
        )}
      />
      <RetentionSettings server={server} />
      <TargetSettings server={server} />
      <ConnectionSettings server={server} />
      <OfflineSettings server={server} periods={server.offlinePeriods} />
      <RemoveServer server={server} />
    </div>
  );
}
