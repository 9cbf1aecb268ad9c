import { bytes, exactBytes, plural, sentence } from "#lib/format.ts";
import { Fact, Facts, Mono } from "#ui/facts.tsx";
import { Cell, Row, RowHeader, Table } from "#ui/table.tsx";
import { Time } from "#ui/time.tsx";
import type { ServerActResult } from "./server-act-fields.ts";
import { SlotDropPlanView } from "./slot-drop-plan-view.tsx";

/** What a server act came to, on the page of its run and beside its button. */
export function ServerActView({ result }: { readonly result: ServerActResult }) {
  switch (result.__typename) {
    case "SlotDropPlan":
      return <SlotDropPlanView plan={result} />;
    case "SettingsRead":
      return <Settings result={result} />;
    case "FileStat":
      return (
        <Facts columns={3}>
          <Fact label="Path">
            <Mono>{result.path}</Mono>
          </Fact>
          <Fact label="Kind">{result.isDirectory ? "directory" : "file"}</Fact>
          <Fact label="Size" title={exactBytes(result.sizeBytes)}>
            {bytes(result.sizeBytes)}
          </Fact>
          <Fact label="Modified">
            <Time at={result.modifiedAt} show="absolute" />
          </Fact>
          <Fact label="Changed">
            <Time at={result.changedAt} show="absolute" />
          </Fact>
          <Fact label="Accessed">
            <Time at={result.accessedAt} show="absolute" />
          </Fact>
          <Fact label="Created">
            {result.createdAt === null ? "not told on this system" : <Time at={result.createdAt} show="absolute" />}
          </Fact>
        </Facts>
      );
    case "FileChunk":
      return (
        <p className="text-sm break-words">
          {plural(result.lengthBytes, "byte")} of <Mono>{result.path}</Mono> from {result.offset} on
          {result.atEnd && ", to its end"}; sealed for whoever asked.
        </p>
      );
    default:
      return <p className="text-sm break-words">{sentence(result.sentence)}</p>;
  }
}

const columns = [{ name: "Setting" }, { name: "Value" }, { name: "From" }];

function Settings({ result }: { readonly result: Extract<ServerActResult, { readonly __typename: "SettingsRead" }> }) {
  return (
    <div className="space-y-3">
      <Table label="Settings" columns={columns}>
        {result.settings.map((setting) => (
          <Row key={setting.name}>
            <RowHeader>
              <Mono>{setting.name}</Mono>
            </RowHeader>
            <Cell label="Value">
              <Mono>{setting.value === "" ? "''" : setting.value}</Mono>
              {setting.pendingRestart && <span className="block text-warn">changed, waits for a restart</span>}
            </Cell>
            <Cell label="From">{setting.source}</Cell>
          </Row>
        ))}
      </Table>
      {result.missing.length > 0 && (
        <p className="text-sm text-muted">Not there, or not for this role to see: {result.missing.join(", ")}</p>
      )}
    </div>
  );
}
