import { Lock } from "lucide-react";
import Link from "next/link";
import type { ResultOf } from "#graphql/graphql.ts";
import { bytes, duration, exactBytes } from "#lib/format.ts";
import { backupPath } from "#lib/paths.ts";
import { Badge } from "#ui/badge.tsx";
import { Cell, Row, RowHeader, Table } from "#ui/table.tsx";
import { Time } from "#ui/time.tsx";
import { BackupStateBadge, ProofBadge } from "./backup-badges.tsx";
import type { BackupRowFields } from "./backup-row-fields.ts";

const columns = [
  { name: "Started" },
  { name: "State" },
  { name: "Proof" },
  { name: "Size", align: "end" },
  { name: "Stored", align: "end" },
  { name: "Duration", align: "end" },
  { name: "Kept because" },
] as const;

export function BackupsTable({ backups }: { readonly backups: readonly ResultOf<typeof BackupRowFields>[] }) {
  return (
    <Table label="Backups" columns={columns}>
      {backups.map((backup) => (
        <Row key={backup.id}>
          <RowHeader>
            <Link href={backupPath(backup.id)} className="font-medium text-accent hover:underline">
              <Time at={backup.startedAt} show="absolute" />
            </Link>
            {(backup.label ?? backup.note) !== null && (
              <span className="block max-w-56 truncate text-[0.8125rem] text-muted">{backup.label ?? backup.note}</span>
            )}
          </RowHeader>
          <Cell label="State">
            <BackupStateBadge backup={backup} />
          </Cell>
          <Cell label="Proof">
            {backup.state === "RESTORABLE" || backup.state === "STORED" ? <ProofBadge backup={backup} /> : "–"}
          </Cell>
          <Cell label="Size" align="end" title={exactBytes(backup.sizeBytes)}>
            {bytes(backup.sizeBytes)}
          </Cell>
          <Cell label="Stored" align="end" title={exactBytes(backup.storedBytes)}>
            {bytes(backup.storedBytes)}
          </Cell>
          <Cell label="Duration" align="end">
            {duration(backup.durationMs)}
          </Cell>
          <Cell label="Kept because">
            <span className="inline-flex flex-wrap gap-1">
              {backup.hold !== null && (
                <Badge tone="busy" icon={Lock} title={backup.hold.reason}>
                  Held
                </Badge>
              )}
              {backup.retentionReasons.map((reason) => (
                <Badge key={reason} tone="neutral">
                  {reason}
                </Badge>
              ))}
              {backup.hold === null && backup.retentionReasons.length === 0 && "–"}
            </span>
          </Cell>
        </Row>
      ))}
    </Table>
  );
}
