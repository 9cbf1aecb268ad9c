import type { ResultOf } from "#graphql/graphql.ts";
import { bytes, count, sentence } from "#lib/format.ts";
import { Badge } from "#ui/badge.tsx";
import { Mono } from "#ui/facts.tsx";
import { Cell, Row, RowHeader, Table } from "#ui/table.tsx";
import type { WalPreviewFields } from "./retention-preview-fields.ts";

interface Props {
  readonly wal: ResultOf<typeof WalPreviewFields>;
  /** Which WAL, as the table's name says it. */
  readonly where: string;
}

const columns = [
  { name: "Timeline" },
  { name: "From and to" },
  { name: "Decision" },
  { name: "Because" },
  { name: "Segments", align: "end" },
  { name: "Size", align: "end" },
] as const;

/** Which WAL goes with the backups that go, and why the rest stays. */
export function WalDecisions({ wal, where }: Props) {
  const rows = [
    ...wal.removed.ranges.map((range) => ({ ...range, kept: false })),
    ...wal.kept.ranges.map((range) => ({ ...range, kept: true })),
  ];
  return (
    <div className="space-y-2">
      <p className="text-sm">
        {where}: {wal.sentence}.
      </p>
      <div className="max-h-72 overflow-y-auto rounded-md border">
        <Table label={`Decisions about ${where}`} columns={columns}>
          {rows.map((range) => (
            <Row key={`${range.systemIdentifier}/${range.timeline}/${range.fromLsn}`}>
              <RowHeader>{range.timeline}</RowHeader>
              <Cell label="From and to">
                <Mono>
                  {range.fromLsn} – {range.toLsn}
                </Mono>
              </Cell>
              <Cell label="Decision">
                {range.kept ? <Badge tone="ok">Kept</Badge> : <Badge tone="bad">Removed</Badge>}
              </Cell>
              <Cell label="Because">{sentence(range.reason)}</Cell>
              <Cell label="Segments" align="end">
                {count(range.segments)}
              </Cell>
              <Cell label="Size" align="end">
                {bytes(range.storedBytes)}
              </Cell>
            </Row>
          ))}
        </Table>
      </div>
    </div>
  );
}
