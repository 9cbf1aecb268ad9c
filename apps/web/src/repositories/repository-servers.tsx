import Link from "next/link";
import { CoverageFields } from "#backups/backup-bytes-fields.ts";
import { Verified, VerifiedWal } from "#backups/coverage-facts.tsx";
import { graphql, type ResultOf } from "#graphql/graphql.ts";
import { sentence } from "#lib/format.ts";
import { serverPath } from "#lib/paths.ts";
import { AreaVerifiedFields } from "#servers/area-verified-fields.ts";
import { EmptyState } from "#ui/empty-state.tsx";
import { Panel } from "#ui/panel.tsx";
import { Cell, Row, RowHeader, Table } from "#ui/table.tsx";
import { VerifyArea } from "./verify-area.tsx";

export const RepositoryServersFields = graphql(
  `
    fragment RepositoryServersFields on Repository {
      id
      servers(first: 100) {
        nodes {
          id
          name
          coverage {
            ...CoverageFields
          }
          ...AreaVerifiedFields
        }
      }
      copiedServers(first: 100) {
        nodes {
          id
          name
          copyLag {
            late
            sentence
          }
          ...AreaVerifiedFields
        }
      }
    }
  `,
  [CoverageFields, AreaVerifiedFields],
);

type Fields = ResultOf<typeof RepositoryServersFields>;

const columns = [
  { name: "Server" },
  { name: "Here" },
  { name: "Each backup verified to at least" },
  { name: "Acts", align: "end", hidden: true },
] as const;

/** Whose backups, and whose copies, are in the repository, and how much of them is verified. */
export function RepositoryServers({ repository }: { readonly repository: Fields }) {
  const servers = repository.servers.nodes;
  const copied = repository.copiedServers.nodes;
  return (
    <Panel
      title="Servers"
      description="A verification of a server reads each pack once for all backups that share it, and its archived WAL."
      padded={false}
    >
      {servers.length + copied.length === 0 ? (
        <EmptyState title="No server stores its backups here" />
      ) : (
        <Table label="Servers" columns={columns}>
          {servers.map((server) => (
            <Row key={server.id}>
              <ServerName server={server} />
              <Cell label="Here">its backups</Cell>
              <Cell label="Verified to">
                {server.coverage === null ? "no backups yet" : <CoverageText coverage={server.coverage} />}
                <WalVerification server={server} repositoryId={repository.id} />
                <PolicyVerification server={server} repositoryId={repository.id} />
              </Cell>
              <Cell label="Acts" align="end">
                {server.coverage !== null && <VerifyArea server={server} repositoryId={repository.id} />}
              </Cell>
            </Row>
          ))}
          {copied.map((server) => (
            <Row key={server.id}>
              <ServerName server={server} />
              <Cell label="Here">copies of its backups</Cell>
              <Cell label="Verified to">
                {server.copyLag === null ? "–" : sentence(server.copyLag.sentence)}
                {server.copyLag?.late === true && <strong className="text-warn"> Late.</strong>}
                <WalVerification server={server} repositoryId={repository.id} />
                <PolicyVerification server={server} repositoryId={repository.id} />
              </Cell>
              <Cell label="Acts" align="end">
                <VerifyArea server={server} repositoryId={repository.id} />
              </Cell>
            </Row>
          ))}
        </Table>
      )}
    </Panel>
  );
}

function ServerName({ server }: { readonly server: { readonly id: string; readonly name: string } }) {
  return (
    <RowHeader>
      <Link href={serverPath(server)} className="text-accent hover:underline">
        {server.name}
      </Link>
    </RowHeader>
  );
}

interface VerificationProps {
  readonly server: ResultOf<typeof AreaVerifiedFields>;
  readonly repositoryId: string;
}

function WalVerification({ server, repositoryId }: VerificationProps) {
  const here = server.walCoverage.find(({ repository }) => repository.id === repositoryId);
  if (here === undefined) return null;
  return (
    <div className="text-muted">
      archived WAL: <VerifiedWal coverage={here} />
    </div>
  );
}

/** How far the verification here is that the server's policy wants; nothing where it wants none. */
function PolicyVerification({ server, repositoryId }: VerificationProps) {
  const here = server.verifications.find(({ repository }) => repository.id === repositoryId);
  if (here === undefined) return null;
  return <div className={here.late ? "text-warn" : "text-muted"}>{sentence(here.sentence)}</div>;
}

function CoverageText({ coverage }: { readonly coverage: ResultOf<typeof CoverageFields> }) {
  return (
    <>
      <div>
        opened: <Verified share={coverage.wholeShare} since={coverage.wholeSince} />
      </div>
      <div className="text-muted">
        stored bytes: <Verified share={coverage.storedShare} since={coverage.storedSince} />
      </div>
    </>
  );
}
