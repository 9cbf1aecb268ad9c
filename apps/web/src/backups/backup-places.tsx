import { formatShares } from "@tidemark/kit/units";
import Link from "next/link";
import { bytes, count, exactBytes } from "#lib/format.ts";
import { backupPath } from "#lib/paths.ts";
import { Mono } from "#ui/facts.tsx";
import { Note } from "#ui/note.tsx";
import { Panel } from "#ui/panel.tsx";
import { Cell, Row, RowHeader, Table } from "#ui/table.tsx";
import { Time } from "#ui/time.tsx";
import type { BackupBytes } from "./backup-bytes-fields.ts";

type Place = NonNullable<BackupBytes["places"]>[number];

/** By which backups the packs were written that hold this one's bytes. */
export function BackupPlacesPanel({ backup: { places } }: { readonly backup: BackupBytes }) {
  if (places === null || places.length === 0) return null;
  const shares = formatShares(places.map((place) => BigInt(place.bytes)));
  const sharesWithOthers = places.some(({ own }) => !own);
  return (
    <Panel
      title="Where its bytes live"
      description="Packs are written once, by the backup that first met their bytes, and referred to by all that need them."
      padded={false}
    >
      <Table
        label="Where its bytes live"
        columns={[
          { name: "Packs of" },
          { name: "Packs", align: "end" },
          { name: "Bytes of this backup", align: "end" },
          { name: "Share", align: "end" },
        ]}
      >
        {places.map((place, index) => (
          <Row key={place.backupId ?? "unknown"}>
            <RowHeader>
              <Writer place={place} />
            </RowHeader>
            <Cell label="Packs" align="end">
              {count(place.packs)}
            </Cell>
            <Cell label="Bytes" align="end" title={exactBytes(place.bytes)}>
              {bytes(place.bytes)}
            </Cell>
            <Cell label="Share" align="end">
              {shares[index]}
            </Cell>
          </Row>
        ))}
      </Table>
      <div className="border-t px-4 py-4 sm:px-5">
        {sharesWithOthers ? (
          <Note>
            Deleting any of these backups does not harm this one: a pack stays while a backup needs it. Deleting this
            one does not harm them either.
          </Note>
        ) : (
          <Note>
            All its bytes are in packs of its own. Other backups may refer to them; deleting it does not harm those.
          </Note>
        )}
      </div>
    </Panel>
  );
}

function Writer({ place: { own, backupId, backup } }: { readonly place: Place }) {
  if (own) return "This backup";
  if (backupId === null) return "Not known: their heads cannot be read";
  if (backup === null) return <Mono>{backupId}</Mono>;
  return (
    <>
      <Link href={backupPath(backupId)} className="text-accent hover:underline">
        Backup of <Time at={backup.startedAt} show="absolute" />
      </Link>
      {backup.state === "DELETED" && <span className="text-muted"> · deleted since</span>}
    </>
  );
}
