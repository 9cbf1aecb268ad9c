import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { cache } from "react";
import { graphql } from "#graphql/graphql.ts";
import { bytes, exactBytes } from "#lib/format.ts";
import { load } from "#lib/server-query.ts";
import { CompressionSetting } from "#repositories/compression-setting.tsx";
import { KeySlotFields } from "#repositories/key-slot-fields.ts";
import { RecoveryKit } from "#repositories/recovery-kit.tsx";
import { type RepositoryRow, RepositoryRowFields, RepositoryStateBadge } from "#repositories/repository-fields.tsx";
import { RepositoryKeys } from "#repositories/repository-keys.tsx";
import { RepositoryServers, RepositoryServersFields } from "#repositories/repository-servers.tsx";
import { PageHeader } from "#shell/page-header.tsx";
import { PageProblem } from "#shell/page-problem.tsx";
import { Fact, Facts, Mono } from "#ui/facts.tsx";
import { Note } from "#ui/note.tsx";
import { Panel } from "#ui/panel.tsx";
import { Time } from "#ui/time.tsx";

const RepositoryOfPage = graphql(
  `
    query RepositoryOfPage($id: ID!) {
      repository(id: $id) {
        ...RepositoryRowFields
        compression
        keySlots {
          ...KeySlotFields
        }
        ...RepositoryServersFields
      }
    }
  `,
  [RepositoryRowFields, RepositoryServersFields, KeySlotFields],
);

interface Props {
  readonly params: Promise<{ readonly id: string }>;
}

const loadRepository = cache((id: string) => load(RepositoryOfPage, { id }));

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const loaded = await loadRepository((await params).id);
  return { title: (loaded.ok ? loaded.value.repository?.name : null) ?? "Repository" };
}

export default async function RepositoryPage({ params }: Props) {
  const loaded = await loadRepository((await params).id);
  if (!loaded.ok) return <PageProblem title="Repository" problem={loaded.problem} />;
  const { repository } = loaded.value;
  if (repository === null) notFound();
  return (
    <>
      <PageHeader
        trail={[{ title: "Repositories", path: "/repositories" }]}
        title={repository.name}
        beside={<RepositoryStateBadge state={repository.state} />}
      />
      <div className="space-y-5">
        {repository.stateDetail !== null && <Note kind="warn">{repository.stateDetail}</Note>}
        <RepositoryFacts repository={repository} />
        {repository.encrypted && <RecoveryKit repository={repository} />}
        {repository.encrypted && <RepositoryKeys repository={repository} />}
        <CompressionSetting repository={repository} />
        <RepositoryServers repository={repository} />
      </div>
    </>
  );
}

function RepositoryFacts({ repository }: { readonly repository: RepositoryRow }) {
  return (
    <Panel title="Facts">
      <Facts columns={3}>
        <Fact label="Location">
          <Mono>{repository.location}</Mono>
        </Fact>
        <Fact label="Encrypted">{repository.encrypted ? "yes" : "no"}</Fact>
        <Fact label="Format">{repository.formatVersion === null ? "–" : `version ${repository.formatVersion}`}</Fact>
        <Fact label="Stored" title={exactBytes(repository.storedBytes)}>
          {bytes(repository.storedBytes)}
        </Fact>
        <Fact label="Free" title={exactBytes(repository.freeBytes)}>
          {repository.totalBytes === null
            ? bytes(repository.freeBytes)
            : `${bytes(repository.freeBytes)} of ${bytes(repository.totalBytes)}`}
        </Fact>
        <Fact label="Attached">
          <Time at={repository.createdAt} show="absolute" />
        </Fact>
      </Facts>
    </Panel>
  );
}
