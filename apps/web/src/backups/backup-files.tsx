import { bytes, count, exactBytes } from "#lib/format.ts";
import { Mono } from "#ui/facts.tsx";
import { Panel } from "#ui/panel.tsx";
import { Cell, Row, RowHeader, Table } from "#ui/table.tsx";
import type { BackupDetail } from "./backup-query.ts";

const classColumns = [
  { name: "Size class" },
  { name: "Files", align: "end" },
  { name: "Bytes", align: "end" },
] as const;
const fileColumns = [{ name: "Largest files" }, { name: "Size", align: "end" }] as const;
const tablespaceColumns = [{ name: "Tablespace" }, { name: "Place" }, { name: "Size", align: "end" }] as const;

/** What the backup consists of: by size, by its largest files, by tablespace. */
export function BackupFilesPanel({ files, tablespaces }: Pick<BackupDetail, "files" | "tablespaces">) {
  if (files === null && tablespaces.length === 0) return null;
  return (
    <Panel title="Files" padded={false}>
      <div className="divide-y">
        {files !== null && (
          <>
            <Table label="Files by size" columns={classColumns}>
              {files.classes.map((fileClass) => (
                <Row key={fileClass.label}>
                  <RowHeader>{fileClass.label}</RowHeader>
                  <Cell label="Files" align="end">
                    {count(fileClass.count)}
                  </Cell>
                  <Cell label="Bytes" align="end" title={exactBytes(fileClass.bytes)}>
                    {bytes(fileClass.bytes)}
                  </Cell>
                </Row>
              ))}
            </Table>
            <Table label="Largest files" columns={fileColumns}>
              {files.largest.map((file) => (
                <Row key={file.path}>
                  <RowHeader>
                    <Mono>{file.path}</Mono>
                  </RowHeader>
                  <Cell label="Size" align="end" title={exactBytes(file.bytes)}>
                    {bytes(file.bytes)}
                  </Cell>
                </Row>
              ))}
            </Table>
          </>
        )}
        {tablespaces.length > 0 && (
          <Table label="Tablespaces" columns={tablespaceColumns}>
            {tablespaces.map((tablespace) => (
              <Row key={tablespace.oid}>
                <RowHeader>{tablespace.oid}</RowHeader>
                <Cell label="Place">
                  <Mono>{tablespace.path}</Mono>
                </Cell>
                <Cell label="Size" align="end">
                  {bytes(tablespace.sizeBytes)}
                </Cell>
              </Row>
            ))}
          </Table>
        )}
      </div>
    </Panel>
  );
}
