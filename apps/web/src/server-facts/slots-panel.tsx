"use client";
import { useState } from "react";
import { CreateSlotDialog } from "#server-acts/create-slot.tsx";
import { DropSlotDialog } from "#server-acts/drop-slot.tsx";
import { Button } from "#ui/button.tsx";
import { Panel } from "#ui/panel.tsx";
import { SlotsTable } from "./slots-table.tsx";
import type { Snapshot } from "./snapshot-fields.ts";
import { Unread } from "./unread.tsx";

interface Props {
  readonly serverId: string;
  readonly snapshot: Snapshot;
  readonly blockedBy: string | null;
  /** The server's slots are other ones now. */
  readonly onDone: () => void;
}

export function SlotsPanel({ serverId, snapshot, blockedBy, onDone }: Props) {
  const { slots, info } = snapshot;
  const [dropping, setDropping] = useState<string | null>(null);
  return (
    <Panel
      title="Replication slots"
      description={`${info.usedReplicationSlots} of ${info.maxReplicationSlots} taken`}
      padded={slots === null || slots.length === 0}
      action={<CreateSlotDialog serverId={serverId} blockedBy={blockedBy} onDone={onDone} />}
    >
      {slots === null ? (
        <Unread snapshot={snapshot} section="slots" />
      ) : slots.length === 0 ? (
        <p className="text-sm text-muted">None: the server keeps WAL for nobody.</p>
      ) : (
        <SlotsTable
          slots={slots}
          actionOf={({ name }) => (
            <Button small aria-label={`Drop ${name}…`} blockedBy={blockedBy} onClick={() => setDropping(name)}>
              Drop…
            </Button>
          )}
        />
      )}
      <DropSlotDialog serverId={serverId} name={dropping} onClose={() => setDropping(null)} onDone={onDone} />
    </Panel>
  );
}
