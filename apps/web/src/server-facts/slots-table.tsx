import { CircleAlert, CircleCheck, CirclePause, CircleX } from "lucide-react";
import type { ReactNode } from "react";
import { bytes, exactBytes, unknown } from "#lib/format.ts";
import { Badge } from "#ui/badge.tsx";
import { Mono } from "#ui/facts.tsx";
import { Cell, type Column, Row, RowHeader, Table } from "#ui/table.tsx";
import { Time } from "#ui/time.tsx";
import type { Snapshot } from "./snapshot-fields.ts";

export type Slot = NonNullable<Snapshot["slots"]>[number];

interface Props {
  readonly slots: readonly Slot[];
  readonly actionOf: (slot: Slot) => ReactNode;
}

const columns: readonly Column[] = [
  { name: "Slot" },
  { name: "State" },
  { name: "WAL status" },
  { name: "Keeps", align: "end" },
  { name: "Safe for", align: "end" },
  { name: "Restart LSN" },
  { name: "Acts", align: "end", hidden: true },
];

export function SlotsTable({ slots, actionOf }: Props) {
  return (
    <Table label="Replication slots" columns={columns}>
      {slots.map((slot) => (
        <Row key={slot.name}>
          <RowHeader>
            <span className="font-medium break-all">{slot.name}</span>
            <span className="block text-[0.8125rem] text-muted">
              {slot.kind === "PHYSICAL" ? "physical" : `logical, of ${slot.database ?? "a database"}`}
              {slot.temporary && ", temporary"}
              {slot.own && ", Tidemark's"}
            </span>
          </RowHeader>
          <Cell label="State">
            <SlotState slot={slot} />
          </Cell>
          <Cell label="WAL status">
            <WalStatus slot={slot} />
          </Cell>
          <Cell label="Keeps" align="end" title={exactBytes(slot.retainedBytes)}>
            {bytes(slot.retainedBytes)}
          </Cell>
          <Cell label="Safe for" align="end" title={exactBytes(slot.safeWalSizeBytes)}>
            {slot.safeWalSizeBytes === null ? safeWithoutLimit(slot) : `${bytes(slot.safeWalSizeBytes)} more`}
          </Cell>
          <Cell label="Restart LSN">{slot.restartLsn === null ? "none" : <Mono>{slot.restartLsn}</Mono>}</Cell>
          <Cell align="end">{actionOf(slot)}</Cell>
        </Row>
      ))}
    </Table>
  );
}

function SlotState({ slot }: { readonly slot: Slot }) {
  if (slot.active) {
    return (
      <Badge tone="ok" icon={CircleCheck} title={slot.activePid === null ? undefined : `process ${slot.activePid}`}>
        In use
      </Badge>
    );
  }
  return (
    <>
      <Badge tone="neutral" icon={CirclePause}>
        Not in use
      </Badge>
      {slot.inactiveSince !== null && (
        <span className="mt-1 block text-[0.8125rem] text-muted">
          since <Time at={slot.inactiveSince} />
        </span>
      )}
    </>
  );
}

/** `safe_wal_size` is null without max_slot_wal_keep_size, and for a slot that has lost its WAL or never had any. */
function safeWithoutLimit(slot: Slot): string {
  return slot.walStatus === null || slot.walStatus === "lost" ? unknown : "no limit";
}

/** `pg_replication_slots.wal_status` (documentation, system views): what of the WAL the slot needs is still there. */
const walStatusLooks = {
  reserved: { tone: "ok", icon: CircleCheck },
  extended: { tone: "warn", icon: CircleAlert },
  unreserved: { tone: "bad", icon: CircleAlert },
  lost: { tone: "bad", icon: CircleX },
} as const;

function WalStatus({ slot }: { readonly slot: Slot }) {
  const { walStatus, invalidationReason } = slot;
  if (walStatus === null) return "none reserved";
  const look = walStatus in walStatusLooks ? walStatusLooks[walStatus as keyof typeof walStatusLooks] : null;
  return (
    <>
      <Badge tone={look?.tone ?? "neutral"} {...(look === null ? {} : { icon: look.icon })}>
        {walStatus}
      </Badge>
      {invalidationReason !== null && (
        <span className="mt-1 block text-[0.8125rem] text-bad">{invalidationReason.replaceAll("_", " ")}</span>
      )}
    </>
  );
}
