import { bytes, exactBytes, unknown } from "#lib/format.ts";
import { Mono } from "#ui/facts.tsx";
import { Panel } from "#ui/panel.tsx";
import { Cell, Row, RowHeader, Table } from "#ui/table.tsx";
import { Time } from "#ui/time.tsx";
import type { Snapshot } from "./snapshot-fields.ts";
import { Unread } from "./unread.tsx";

type Client = NonNullable<Snapshot["replication"]>[number];

/** The order of the table, too. */
const kinds = {
  STANDBY: "Standby",
  WAL_RECEIVER: "WAL receiver",
  BASE_BACKUP: "Base backup",
  LOGICAL: "Logical",
  UNKNOWN: "Not known",
} as const satisfies Record<Client["kind"], string>;

const order = Object.keys(kinds);

const columns = [
  { name: "Client" },
  { name: "Kind" },
  { name: "State" },
  { name: "Slot" },
  { name: "Sent" },
  { name: "Lag", align: "end" },
  { name: "Since" },
] as const;

/** Who streams from the server, by kind. */
export function ReplicationPanel({ snapshot }: { readonly snapshot: Snapshot }) {
  const { replication } = snapshot;
  if (replication === null || replication.length === 0) {
    return (
      <Panel title="Replication">
        {replication === null ? (
          <Unread snapshot={snapshot} section="replication" />
        ) : (
          <p className="text-sm text-muted">Nobody streams from this server.</p>
        )}
      </Panel>
    );
  }
  const clients = replication.toSorted((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
  return (
    <Panel title="Replication" padded={false}>
      <Table label="Replication clients" columns={columns}>
        {clients.map((client) => (
          <Row key={client.pid}>
            <RowHeader>
              <span className="font-medium break-words">{client.applicationName || `process ${client.pid}`}</span>
              <span className="block text-[0.8125rem] break-words text-muted">
                {client.user ?? "role not told"} from {client.clientAddress ?? "a local socket"}
              </span>
            </RowHeader>
            <Cell label="Kind">{kinds[client.kind]}</Cell>
            <Cell label="State">
              {client.state ?? unknown}
              {client.syncState !== null && (
                <span className="block text-[0.8125rem] text-muted">{client.syncState}</span>
              )}
            </Cell>
            <Cell label="Slot">{client.slotName === null ? "none" : <Mono>{client.slotName}</Mono>}</Cell>
            <Cell label="Sent">{client.sentLsn === null ? unknown : <Mono>{client.sentLsn}</Mono>}</Cell>
            <Cell label="Lag" align="end" title={exactBytes(client.lagBytes)}>
              {bytes(client.lagBytes)}
            </Cell>
            <Cell label="Since">
              <Time at={client.startedAt} />
            </Cell>
          </Row>
        ))}
      </Table>
    </Panel>
  );
}
