import Link from "next/link";
import { bytes, count, exactBytes } from "#lib/format.ts";
import { backupPath } from "#lib/paths.ts";
import { Fact, Facts } from "#ui/facts.tsx";
import { Panel } from "#ui/panel.tsx";
import { PartSwatch, ShareBar } from "#ui/share-bar.tsx";
import { Cell, Row, RowHeader, Table } from "#ui/table.tsx";
import { bytePartsOf, readingSentence } from "./backup-bytes.ts";
import type { BackupBytes } from "./backup-bytes-fields.ts";

/** Where each byte of the backup came from: parts that add up, and beside them what they cost. */
export function BackupBytesPanel({ backup }: { readonly backup: BackupBytes }) {
  const { sizes, reading } = backup;
  if (sizes === null) return null;
  const parts = bytePartsOf(sizes);
  const label = `Of ${bytes(sizes.totalBytes)}: ${parts.map((part) => `${part.shareText} ${part.name.toLowerCase()}`).join(", ")}`;
  return (
    <Panel title="Where its bytes came from" description={readingSentence(reading) ?? undefined} padded={false}>
      <div className="px-4 pt-4 sm:px-5">
        <ShareBar label={label} parts={parts} />
      </div>
      <Table
        label="Parts of the backup"
        columns={[
          { name: "Part" },
          { name: "What it is" },
          { name: "Size", align: "end" },
          { name: "Share", align: "end" },
        ]}
      >
        {parts.map((part) => (
          <Row key={part.name}>
            <RowHeader>
              <span className="inline-flex items-center gap-2 font-medium">
                <PartSwatch look={part.look} /> {part.name}
              </span>
            </RowHeader>
            <Cell label="What it is">{part.words}</Cell>
            <Cell label="Size" align="end" title={exactBytes(part.bytes)}>
              {bytes(part.bytes)}
            </Cell>
            <Cell label="Share" align="end">
              {part.shareText}
            </Cell>
          </Row>
        ))}
        <Row>
          <RowHeader>
            <span className="font-medium">Together</span>
          </RowHeader>
          <Cell label="What it is">What a restore writes.</Cell>
          <Cell label="Size" align="end" title={exactBytes(sizes.totalBytes)}>
            <strong>{bytes(sizes.totalBytes)}</strong>
          </Cell>
          <Cell label="Share" align="end">
            100 %
          </Cell>
        </Row>
      </Table>
      <div className="border-t px-4 py-4 sm:px-5">
        <Facts columns={3}>
          <Fact label="Sent by the server" title={exactBytes(sizes.sentBytes)}>
            {sizes.sentBytes === null ? "not over the wire" : bytes(sizes.sentBytes)}
          </Fact>
          <Fact label="Read for it" title={exactBytes(sizes.readBytes)}>
            {bytes(sizes.readBytes)}
          </Fact>
          <Fact label="Stored for it, compressed" title={exactBytes(sizes.storedBytes)}>
            {bytes(sizes.storedBytes)}
          </Fact>
          {reading?.kind === "INCREMENTAL" && reading.fromBackupId !== null && (
            <>
              <Fact label="Read since">
                <Link href={backupPath(reading.fromBackupId)} className="text-accent hover:underline">
                  the backup it built on
                </Link>
              </Fact>
              <Fact label="Read again in full" title={exactBytes(reading.resentBytes)}>
                {bytes(reading.resentBytes)} in {count(reading.resentFiles)} files
              </Fact>
            </>
          )}
        </Facts>
      </div>
    </Panel>
  );
}
