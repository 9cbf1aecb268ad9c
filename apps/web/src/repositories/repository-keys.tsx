import { plural } from "#lib/format.ts";
import { Mono } from "#ui/facts.tsx";
import { Panel } from "#ui/panel.tsx";
import { Cell, Row, RowHeader, Table } from "#ui/table.tsx";
import { Time } from "#ui/time.tsx";
import { type KeySlot, ownersOf } from "./key-slot-fields.ts";
import { RotateKeys } from "./rotate-keys.tsx";

interface Props {
  readonly repository: { readonly id: string; readonly keySlots: readonly KeySlot[] | null };
}

const kinds = { KEY_FILE: "Key file", PASSPHRASE: "Passphrase", AGE: "age identity" } as const;

/** Which keys open the repository, and a new data key for what comes. */
export function RepositoryKeys({ repository }: Props) {
  const owners = ownersOf(repository.keySlots ?? []);
  return (
    <Panel
      title="Keys"
      description="Each opens the repository by itself. If all of them are lost, nothing in it can be read again."
      padded={false}
    >
      {owners.length === 0 ? (
        <p className="px-5 pb-4 text-sm text-muted">No worker has looked at them yet.</p>
      ) : (
        <Table label="Keys" columns={[{ name: "Key" }, { name: "Whose" }, { name: "Opens" }, { name: "Newest slot" }]}>
          {owners.map(({ ownerId, newest, slots, current }) => (
            <Row key={ownerId}>
              <RowHeader>{kinds[newest.kind]}</RowHeader>
              <Cell label="Whose">
                {newest.opened ? "the workers" : (newest.label ?? "–")}
                {newest.recipient !== null && (
                  <div className="break-all text-muted">
                    <Mono>{newest.recipient}</Mono>
                  </div>
                )}
              </Cell>
              <Cell label="Opens">
                {current ? "all, and what comes" : "what was there before the last rotation"} ({plural(slots, "slot")})
              </Cell>
              <Cell label="Newest slot">
                <Time at={newest.createdAt} />
              </Cell>
            </Row>
          ))}
        </Table>
      )}
      <div className="px-5 py-4">
        <RotateKeys repositoryId={repository.id} />
      </div>
    </Panel>
  );
}
