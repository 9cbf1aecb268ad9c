import { plural } from "#lib/format.ts";
import { Mono } from "#ui/facts.tsx";
import { Note } from "#ui/note.tsx";
import { Panel } from "#ui/panel.tsx";
import { Cell, Row, RowHeader, Table } from "#ui/table.tsx";
import { Time } from "#ui/time.tsx";
import { AddKey, ReplaceKey } from "./give-key.tsx";
import { type KeyOwner, type KeySlot, ownersOf } from "./key-slot-fields.ts";
import { RemoveKey } from "./remove-key.tsx";
import { RotateKeys } from "./rotate-keys.tsx";

interface Props {
  readonly repository: { readonly id: string; readonly keySlots: readonly KeySlot[] | null };
}

const kinds = { KEY_FILE: "Key file", PASSPHRASE: "Passphrase", AGE: "age identity" } as const;
const columns = [
  { name: "Key" },
  { name: "Whose" },
  { name: "Opens" },
  { name: "Since" },
  { name: "Acts", align: "end", hidden: true },
] as const;

/** Which keys open the repository, and everything that can be done with them. */
export function RepositoryKeys({ repository }: Props) {
  const owners = ownersOf(repository.keySlots ?? []);
  // A database host's key, for WAL alone, is no way back and gets nothing new in a rotation.
  const others = owners.filter(({ newest }) => !newest.opened && newest.walOf === null);
  return (
    <Panel
      title="Keys"
      description="Each opens the repository by itself, a database host's only the WAL of its server. If all of them are lost, nothing in it can be read again, by anybody."
      padded={false}
    >
      {owners.length === 0 ? (
        <p className="px-5 pt-4 text-sm text-muted">No worker has looked at them yet.</p>
      ) : (
        <Table label="Keys" columns={columns}>
          {owners.map((owner) => (
            <KeyRow key={owner.ownerId} repositoryId={repository.id} owner={owner} />
          ))}
        </Table>
      )}
      <div className="space-y-4 border-t px-4 py-4 sm:px-5">
        {owners.length > 0 && others.length === 0 && (
          <Note kind="warn">
            Only the workers have a key, and the recovery kit is a copy of it. A second key in other hands is the way
            back when both are lost.
          </Note>
        )}
        <div className="flex flex-wrap gap-2">
          <AddKey repositoryId={repository.id} />
          {others.some(({ newest }) => newest.kind !== "AGE") && <ReplaceKey repositoryId={repository.id} />}
          <RotateKeys
            repositoryId={repository.id}
            othersNeedKeys={others.some(({ newest }) => newest.kind !== "AGE")}
          />
        </div>
      </div>
    </Panel>
  );
}

function KeyRow({ repositoryId, owner }: { readonly repositoryId: string; readonly owner: KeyOwner }) {
  const { ownerId, newest, slots, current } = owner;
  const everything = current ? "all, and what comes" : "what was there before the last rotation";
  const whose = newest.opened ? "the workers" : (newest.label ?? newest.recipient ?? ownerId);
  return (
    <Row>
      <RowHeader>{kinds[newest.kind]}</RowHeader>
      <Cell label="Whose">
        {newest.opened ? "the workers" : (newest.label ?? "nobody said")}
        {newest.recipient !== null && (
          <div className="break-all text-muted">
            <Mono>{newest.recipient}</Mono>
          </div>
        )}
      </Cell>
      <Cell label="Opens">
        {newest.walOf === null ? everything : `${newest.opens} alone`} ({plural(slots, "slot")})
      </Cell>
      <Cell label="Since">
        <Time at={owner.since} />
      </Cell>
      <Cell label="Acts" align="end">
        {newest.opened ? (
          <span className="text-muted">in use</span>
        ) : (
          <RemoveKey repositoryId={repositoryId} ownerId={ownerId} whose={whose} />
        )}
      </Cell>
    </Row>
  );
}
