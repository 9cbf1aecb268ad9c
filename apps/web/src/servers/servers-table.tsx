import Link from "next/link";
import type { ResultOf } from "#graphql/graphql.ts";
import { bytes, duration, exactBytes } from "#lib/format.ts";
import { backupPath, serverPath } from "#lib/paths.ts";
import { OfflineBadge } from "#offline/offline-badge.tsx";
import { RunningLine } from "#runs/runs-table.tsx";
import { Cell, Row, RowHeader, Table } from "#ui/table.tsx";
import { Time } from "#ui/time.tsx";
import { ProtectionBadge } from "./protection-badge.tsx";
import type { ServerRowFields } from "./server-row-fields.ts";

type ServerRow = ResultOf<typeof ServerRowFields>;

const columns = [
  { name: "Server" },
  { name: "Protection" },
  { name: "Lost if it were lost now" },
  { name: "Last backup" },
  { name: "Next backup" },
  { name: "Last proven restore" },
  { name: "Size", align: "end" },
] as const;

export function ServersTable({ servers }: { readonly servers: readonly ServerRow[] }) {
  return (
    <Table label="Servers" columns={columns}>
      {servers.map((server) => (
        <Row key={server.id}>
          <RowHeader>
            <Link href={serverPath(server)} className="font-semibold text-accent hover:underline">
              {server.name}
            </Link>
            <span className="block text-[0.8125rem] text-muted">
              {server.serverVersion === null ? "not reached yet" : `PostgreSQL ${server.serverVersion}`}
              {server.isDemo && " · demo"}
            </span>
          </RowHeader>
          <Cell label="Protection">
            <span className="inline-flex flex-wrap gap-1.5">
              <ProtectionBadge protection={server.protection} />
              {server.offline !== null && <OfflineBadge offline={server.offline} />}
            </span>
            {server.runningRun !== null && <RunningLine run={server.runningRun} />}
          </Cell>
          <Cell label="Lost now" title={server.wal.rpoSentence}>
            {lostNow(server.wal)}
          </Cell>
          <Cell label="Last backup">
            <LastBackup server={server} />
          </Cell>
          <Cell label="Next backup">
            <NextBackup server={server} />
          </Cell>
          <Cell label="Last proven">
            {server.lastProven === null ? (
              "never"
            ) : (
              <Link href={backupPath(server.lastProven.id)} className="hover:underline">
                <Time at={server.lastProven.provenAt} />
              </Link>
            )}
          </Cell>
          <Cell label="Size" align="end" title={exactBytes(server.sizeBytes)}>
            {bytes(server.sizeBytes)}
          </Cell>
        </Row>
      ))}
    </Table>
  );
}

function NextBackup({ server: { nextBackupAt, offline } }: { readonly server: ServerRow }) {
  if (nextBackupAt === null) return "not scheduled";
  return offline === null ? <Time at={nextBackupAt} /> : "not while offline";
}

function LastBackup({ server: { lastBackup } }: { readonly server: ServerRow }) {
  if (lastBackup === null) return "none";
  return (
    <Link href={backupPath(lastBackup.id)} className="hover:underline">
      {lastBackup.state === "RUNNING" ? "running now" : <Time at={lastBackup.finishedAt ?? lastBackup.startedAt} />}
    </Link>
  );
}

/** What would be lost if the server were lost now. */
function lostNow({ mode, rpoSeconds }: ServerRow["wal"]): string {
  if (mode === "NONE") return "since its last backup";
  if (rpoSeconds === null) return "not known";
  return rpoSeconds === 0 ? "nothing" : `at most ${duration(rpoSeconds * 1000)}`;
}
