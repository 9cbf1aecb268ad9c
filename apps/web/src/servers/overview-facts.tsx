import Link from "next/link";
import type { ReactNode } from "react";
import { Verified, VerifiedWal } from "#backups/coverage-facts.tsx";
import { graphql, type ResultOf } from "#graphql/graphql.ts";
import { bytes, exactBytes, sentence } from "#lib/format.ts";
import { backupPath, repositoryPath } from "#lib/paths.ts";
import { scheduleKinds } from "#schedules/schedule-fields.ts";
import { Fact, Facts, Mono } from "#ui/facts.tsx";
import { Panel } from "#ui/panel.tsx";
import { Time } from "#ui/time.tsx";
import { AreaVerifiedFields } from "./area-verified-fields.ts";
import { methodTitle } from "./backup-methods.ts";

export const OverviewFactFields = graphql(
  `
  fragment OverviewFactFields on Server {
    connection
    systemIdentifier
    inRecovery
    sizeBytes
    lastContactAt
    nextBackupAt
    backupMethod
    offline {
      id
    }
    createdAt
    lastBackup {
      id
      startedAt
      finishedAt
    }
    lastProven {
      id
      provenAt
    }
    repository {
      id
      name
    }
    copyTo {
      id
      name
    }
    copyLag {
      late
      sentence
    }
    coverage {
      wholeShare
      wholeSince
    }
    policy {
      sentence
      targetsSentence
    }
    schedules {
      id
      kind
      enabled
      sentence
    }
    members {
      name
      connection
      addedAt
    }
    ...AreaVerifiedFields
  }
`,
  [AreaVerifiedFields],
);

type ServerFacts = ResultOf<typeof OverviewFactFields>;

export function OverviewFacts({ server }: { readonly server: ServerFacts }) {
  return (
    <Panel title="Facts">
      <Facts columns={3}>
        <Fact label="Last backup">
          {server.lastBackup === null ? (
            "none"
          ) : (
            <FactLink path={backupPath(server.lastBackup.id)}>
              <Time at={server.lastBackup.finishedAt ?? server.lastBackup.startedAt} />
            </FactLink>
          )}
        </Fact>
        <Fact label="Last proven restore">
          {server.lastProven === null ? (
            "never"
          ) : (
            <FactLink path={backupPath(server.lastProven.id)}>
              <Time at={server.lastProven.provenAt} />
            </FactLink>
          )}
        </Fact>
        <Fact label="Next backup">
          <NextBackup server={server} />
        </Fact>
        <Fact label="Size" title={exactBytes(server.sizeBytes)}>
          {bytes(server.sizeBytes)}
        </Fact>
        <Fact label="Repository">
          <FactLink path={repositoryPath(server.repository.id)}>{server.repository.name}</FactLink>
          {server.copyTo !== null && (
            <>
              , copied to <FactLink path={repositoryPath(server.copyTo.id)}>{server.copyTo.name}</FactLink>
            </>
          )}
        </Fact>
        {server.copyLag !== null && <Fact label="Copies">{sentence(server.copyLag.sentence)}</Fact>}
        {server.coverage !== null && (
          <Fact label="Each backup verified to at least">
            <Verified share={server.coverage.wholeShare} since={server.coverage.wholeSince} />
          </Fact>
        )}
        {server.walCoverage.map((coverage) => (
          <Fact
            key={coverage.repository.id}
            label={coverage.repository.id === server.repository.id ? "Archived WAL verified" : "Copied WAL verified"}
          >
            <VerifiedWal coverage={coverage} />
          </Fact>
        ))}
        <Fact label="Last contact">
          <Time at={server.lastContactAt} />
        </Fact>
        <Fact label="Retention">{sentence(server.policy.sentence)}</Fact>
        {server.policy.targetsSentence !== null && (
          <Fact label="Targets">{sentence(server.policy.targetsSentence)}</Fact>
        )}
        {server.verifications.map((verification) => (
          <Fact key={verification.repository.id} label="Verified by the policy">
            {sentence(verification.sentence)}
          </Fact>
        ))}
        <Fact label="Schedules">
          <Schedules server={server} />
        </Fact>
        {server.backupMethod !== "STREAM" && <Fact label="Backup method">{methodTitle(server.backupMethod)}</Fact>}
        <Fact label="Role">
          {server.inRecovery === null ? "not known yet" : server.inRecovery ? "standby" : "primary"}
        </Fact>
        <Fact label="System identifier">
          {server.systemIdentifier === null ? "–" : <Mono>{server.systemIdentifier}</Mono>}
        </Fact>
        <Fact label="Managed since">
          <Time at={server.createdAt} show="absolute" />
        </Fact>
        {server.members.map((member) => (
          <Fact key={member.name} label={`Member ${member.name}`}>
            <Mono>{member.connection}</Mono>
          </Fact>
        ))}
      </Facts>
    </Panel>
  );
}

function NextBackup({ server: { nextBackupAt, offline } }: { readonly server: ServerFacts }) {
  if (nextBackupAt === null) return "not scheduled";
  return offline === null ? <Time at={nextBackupAt} show="absolute" /> : "not while offline";
}

function Schedules({ server: { schedules } }: { readonly server: ServerFacts }) {
  if (schedules.length === 0) return "none";
  return (
    <ul>
      {schedules.map((schedule) => (
        <li key={schedule.id}>
          {scheduleKinds.find(({ kind }) => kind === schedule.kind)?.title ?? schedule.kind}: {schedule.sentence}
          {!schedule.enabled && " (paused)"}
        </li>
      ))}
    </ul>
  );
}

function FactLink({ path, children }: { readonly path: string; readonly children: ReactNode }) {
  return (
    <Link href={path} className="text-accent hover:underline">
      {children}
    </Link>
  );
}
