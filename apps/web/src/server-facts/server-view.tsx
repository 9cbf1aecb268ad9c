"use client";
import { type Inspecting, useInspection } from "#checks/use-inspection.ts";
import { sentence } from "#lib/format.ts";
import { RunInline } from "#runs/run-inline.tsx";
import { WalActs } from "#server-acts/wal-acts.tsx";
import { Button } from "#ui/button.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { Note } from "#ui/note.tsx";
import { Panel } from "#ui/panel.tsx";
import { Time } from "#ui/time.tsx";
import { ArchiverPanel } from "./archiver-panel.tsx";
import { InfoPanel } from "./info-panel.tsx";
import { ReplicationPanel } from "./replication-panel.tsx";
import { SlotsPanel } from "./slots-panel.tsx";
import type { Snapshot } from "./snapshot-fields.ts";
import { StoragePanels } from "./storage-panel.tsx";
import { WalPanel } from "./wal-panel.tsx";

interface Props {
  readonly serverId: string;
  /** Null: never inspected. */
  readonly snapshot: Snapshot | null;
  /** Since when it cannot be asked, and why; null: it could be the last time. */
  readonly away: { readonly found: string; readonly firstSeenAt: string } | null;
  /** Why nothing may be done to the server now; null: it may. */
  readonly blockedBy: string | null;
}

/** What a server tells of itself, how old that is, and what may be done to its WAL and its slots. */
export function ServerView({ serverId, snapshot, away, blockedBy }: Props) {
  const inspecting = useInspection(serverId);
  const again = () => inspecting.start(null);
  return (
    <div className="space-y-5">
      {snapshot !== null && <Freshness snapshot={snapshot} inspecting={inspecting} blockedBy={blockedBy} />}
      <Inspection inspecting={inspecting} />
      {away !== null && (
        <Note kind="warn">
          <p className="font-medium">
            The server cannot be asked since <Time at={away.firstSeenAt} show="absolute" />.
          </p>
          <p>{sentence(away.found)}</p>
          {snapshot !== null && <p>What stands below is what it told before.</p>}
        </Note>
      )}
      {snapshot === null ? (
        <Panel>
          <EmptyState
            title="Nothing is known of this server yet"
            action={
              <Button tone="primary" pending={inspecting.running} blockedBy={blockedBy} onClick={again}>
                Inspect now
              </Button>
            }
          >
            An inspection reads its settings, WAL position, slots and replication, and changes nothing.
          </EmptyState>
        </Panel>
      ) : (
        <>
          <WalPanel
            snapshot={snapshot}
            actions={
              <WalActs serverId={serverId} inRecovery={snapshot.info.inRecovery} blockedBy={blockedBy} onDone={again} />
            }
          />
          <SlotsPanel serverId={serverId} snapshot={snapshot} blockedBy={blockedBy} onDone={again} />
          <ReplicationPanel snapshot={snapshot} />
          <ArchiverPanel snapshot={snapshot} />
          <InfoPanel snapshot={snapshot} />
          <StoragePanels snapshot={snapshot} />
        </>
      )}
    </div>
  );
}

interface FreshnessProps {
  readonly snapshot: Snapshot;
  readonly inspecting: Inspecting;
  readonly blockedBy: string | null;
}

function Freshness({ snapshot, inspecting, blockedBy }: FreshnessProps) {
  return (
    <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 text-sm">
      <p className="text-muted">
        As of <Time at={snapshot.observedAt} />
      </p>
      <Button
        small
        aria-label="Refresh what the server tells"
        pending={inspecting.running}
        blockedBy={blockedBy}
        onClick={() => inspecting.start(null)}
      >
        Refresh
      </Button>
    </div>
  );
}

/** Silent when it goes well: what it brought is on the page. */
function Inspection({ inspecting: { problem, watched, running } }: { readonly inspecting: Inspecting }) {
  const failed = watched?.run?.finishedAt != null && watched.run.state !== "SUCCEEDED";
  return (
    <>
      {problem !== null && <ErrorPanel announce title="The server was not inspected" problem={problem} />}
      {watched !== null && (running || failed) && <RunInline watched={watched} what="Inspection" />}
      <p role="status" className="sr-only">
        {!running && watched?.run?.state === "SUCCEEDED" && "What the server tells was read anew."}
      </p>
    </>
  );
}
