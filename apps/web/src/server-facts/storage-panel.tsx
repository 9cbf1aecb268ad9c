import { Mono } from "#ui/facts.tsx";
import { Panel } from "#ui/panel.tsx";
import { Cell, Row, RowHeader, Table } from "#ui/table.tsx";
import type { Snapshot } from "./snapshot-fields.ts";
import { Unread } from "./unread.tsx";

const purposes = {
  CONFIG: "Main configuration",
  HBA: "Who may connect",
  IDENT: "User name maps",
  INCLUDE: "Included",
} as const;

const fileColumns = [{ name: "File" }, { name: "Purpose" }, { name: "Place" }];
const tablespaceColumns = [{ name: "Tablespace" }, { name: "Path" }, { name: "Place" }];
const extensionColumns = [{ name: "Extension" }, { name: "Version" }, { name: "What it is" }];

/** What a restore has to bring along besides the data directory. */
export function StoragePanels({ snapshot }: { readonly snapshot: Snapshot }) {
  const { configurationFiles, tablespaces, extensions } = snapshot;
  return (
    <>
      <Panel title="Configuration files" padded={configurationFiles === null}>
        {configurationFiles === null ? (
          <Unread snapshot={snapshot} section="configurationFiles" />
        ) : (
          <Table label="Configuration files" columns={fileColumns}>
            {configurationFiles.map((file) => (
              <Row key={`${file.purpose} ${file.path}`}>
                <RowHeader>
                  <Mono>{file.path}</Mono>
                </RowHeader>
                <Cell label="Purpose">{purposes[file.purpose]}</Cell>
                <Cell label="Place">{place(file.insideDataDirectory)}</Cell>
              </Row>
            ))}
          </Table>
        )}
      </Panel>
      <Panel title="Tablespaces" padded={tablespaces.length === 0}>
        {tablespaces.length === 0 ? (
          <p className="text-sm text-muted">None besides the default ones.</p>
        ) : (
          <Table label="Tablespaces" columns={tablespaceColumns}>
            {tablespaces.map((tablespace) => (
              <Row key={tablespace.oid}>
                <RowHeader>{tablespace.name}</RowHeader>
                <Cell label="Path">
                  <Mono>{tablespace.path}</Mono>
                </Cell>
                <Cell label="Place">{place(tablespace.insideDataDirectory)}</Cell>
              </Row>
            ))}
          </Table>
        )}
      </Panel>
      <Panel
        title="Extensions"
        description="Of the database Tidemark connects to. A restored server needs their files, too."
        padded={extensions.length === 0}
      >
        {extensions.length === 0 ? (
          <p className="text-sm text-muted">None.</p>
        ) : (
          <Table label="Extensions" columns={extensionColumns}>
            {extensions.map((extension) => (
              <Row key={extension.name}>
                <RowHeader>{extension.name}</RowHeader>
                <Cell label="Version">{extension.version}</Cell>
                <Cell label="What it is">{extension.comment ?? "–"}</Cell>
              </Row>
            ))}
          </Table>
        )}
      </Panel>
    </>
  );
}

function place(insideDataDirectory: boolean | null): string {
  if (insideDataDirectory === null) return "not known";
  return insideDataDirectory ? "in the data directory" : "outside the data directory";
}
