import Link from "next/link";
import type { ResultOf } from "#graphql/graphql.ts";
import { bytes, plural, sentence } from "#lib/format.ts";
import { backupPath } from "#lib/paths.ts";
import { Badge } from "#ui/badge.tsx";
import { Cell, Row, RowHeader, Table } from "#ui/table.tsx";
import { Time } from "#ui/time.tsx";
import type { RetentionPreviewFields } from "./retention-preview-fields.ts";
import { WalDecisions } from "./wal-decisions.tsx";

export type RetentionPreview = ResultOf<typeof RetentionPreviewFields>;

const columns = [
  { name: "Backup" },
  { name: "Decision" },
  { name: "Because" },
  { name: "Size", align: "end" },
] as const;

/** Which backups a policy keeps and deletes, each with its reasons. */
export function RetentionDecisions({ preview }: { readonly preview: RetentionPreview }) {
  const rows = [
    ...preview.deleted.map((decision) => ({ ...decision, kept: false })),
    ...preview.kept.map((decision) => ({ ...decision, kept: true })),
  ];
  if (rows.length === 0) return <p className="text-sm text-muted">There is no backup to decide about yet.</p>;
  return (
    <div className="space-y-3">
      <p className="text-sm">
        {sentence(preview.sentence)}
        {preview.deleted.length > 0 &&
          preview.freedBytesAtLeast !== null &&
          ` At least ${bytes(preview.freedBytesAtLeast)} become free.`}
      </p>
      {preview.copies !== null && (
        <p className="text-sm">{sentence(`in the second repository: ${preview.copies.sentence}`)}</p>
      )}
      <div className="max-h-96 overflow-y-auto rounded-md border">
        <Table
          label={`Decisions: ${plural(preview.kept.length, "backup")} kept, ${preview.deleted.length} deleted`}
          columns={columns}
        >
          {rows.map(({ backup, reasons, kept }) => (
            <Row key={backup.id}>
              <RowHeader>
                <Link href={backupPath(backup.id)} className="text-accent hover:underline">
                  <Time at={backup.startedAt} show="absolute" />
                </Link>
              </RowHeader>
              <Cell label="Decision">{kept ? <Badge tone="ok">Kept</Badge> : <Badge tone="bad">Deleted</Badge>}</Cell>
              <Cell label="Because">{reasons.join("; ")}</Cell>
              <Cell label="Size" align="end">
                {bytes(backup.sizeBytes)}
              </Cell>
            </Row>
          ))}
        </Table>
      </div>
      {preview.wal !== null && <WalDecisions wal={preview.wal} where="WAL" />}
      {preview.copies !== null && preview.copies.wal !== null && (
        <WalDecisions wal={preview.copies.wal} where="WAL in the second repository" />
      )}
    </div>
  );
}
