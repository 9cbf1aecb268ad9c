import type { ReactNode } from "react";
import { Fact, Facts, Mono } from "#ui/facts.tsx";
import { Panel } from "#ui/panel.tsx";
import { Time } from "#ui/time.tsx";
import type { Snapshot } from "./snapshot-fields.ts";
import { Unread } from "./unread.tsx";

/** Where the server is in its WAL; on a standby what it received and replayed, and from whom. */
export function WalPanel({ snapshot, actions }: { readonly snapshot: Snapshot; readonly actions: ReactNode }) {
  const { wal, info } = snapshot;
  return (
    <Panel title="WAL">
      <div className="space-y-5">
        {wal === null ? (
          <Unread snapshot={snapshot} section="wal" />
        ) : (
          <Facts columns={3}>
            <Fact label={info.inRecovery ? "Replayed up to" : "Current position"}>
              <Mono>{wal.lsn}</Mono>
            </Fact>
            <Fact label="File">
              {wal.fileName === null ? "has no name on a standby" : <Mono>{wal.fileName}</Mono>}
              {wal.fileOffset !== null && `, byte ${wal.fileOffset.toLocaleString("en")}`}
            </Fact>
            <Fact label="Timeline">{wal.timeline ?? "–"}</Fact>
          </Facts>
        )}
        {snapshot.recovery !== null && <Recovery recovery={snapshot.recovery} />}
        <Synchronous standbys={snapshot.synchronousStandbys} />
        <div className="border-t pt-4">{actions}</div>
      </div>
    </Panel>
  );
}

function Recovery({ recovery }: { readonly recovery: NonNullable<Snapshot["recovery"]> }) {
  const { senderHost, senderPort } = recovery;
  return (
    <section aria-label="Recovery">
      <h3 className="mb-2 text-sm font-medium">Recovery</h3>
      <Facts columns={3}>
        <Fact label="Replay">{recovery.isPaused ? "paused" : "goes on"}</Fact>
        <Fact label="Received up to">
          <Lsn lsn={recovery.receivedLsn} />
        </Fact>
        <Fact label="Last replayed commit">
          <Time at={recovery.replayedAt} show="absolute" />
        </Fact>
        <Fact label="WAL receiver">{recovery.receiverStatus ?? "not running"}</Fact>
        <Fact label="Streams from">
          {senderHost === null ? (
            "nobody"
          ) : (
            <Mono>{senderPort === null ? senderHost : `${senderHost}:${senderPort}`}</Mono>
          )}
        </Fact>
        <Fact label="Through slot">{recovery.slotName === null ? "none" : <Mono>{recovery.slotName}</Mono>}</Fact>
        <Fact label="Consistent from">
          <Lsn lsn={recovery.minRecoveryLsn} />
          {recovery.minRecoveryTimeline !== null && `, timeline ${recovery.minRecoveryTimeline}`}
        </Fact>
      </Facts>
    </section>
  );
}

function Lsn({ lsn }: { readonly lsn: string | null }) {
  return lsn === null ? "–" : <Mono>{lsn}</Mono>;
}

function Synchronous({ standbys }: { readonly standbys: Snapshot["synchronousStandbys"] }) {
  const { method, count, names, text } = standbys;
  const meaning = {
    NONE: "none: commits wait for nobody",
    PRIORITY: `commits wait for the first ${count} of: ${names.join(", ")}`,
    QUORUM: `commits wait for any ${count} of: ${names.join(", ")}`,
  }[method];
  return (
    <Facts columns={1}>
      <Fact label="Synchronous standbys" title={text}>
        {meaning}
      </Fact>
    </Facts>
  );
}
