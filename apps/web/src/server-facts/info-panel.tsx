import { bytes, duration } from "#lib/format.ts";
import { Fact, Facts, Mono } from "#ui/facts.tsx";
import { Note } from "#ui/note.tsx";
import { Panel } from "#ui/panel.tsx";
import { Time } from "#ui/time.tsx";
import type { Snapshot } from "./snapshot-fields.ts";

/** Beyond it clocks are said to differ; the readiness check has its own opinion. */
const shownClockDifferenceMs = 1000;

/** What kind of server it is: of the cluster itself and how it was built. */
export function InfoPanel({ snapshot: { info } }: { readonly snapshot: Snapshot }) {
  return (
    <Panel title="Cluster">
      <div className="space-y-4">
        {!info.valid && (
          <Note kind="warn">
            <p className="font-medium">It cannot be managed as it is:</p>
            <ul className="list-disc ps-5">
              {info.invalidReasons.map((reason) => (
                <li key={reason}>{reason}</li>
              ))}
            </ul>
          </Note>
        )}
        <Facts columns={3}>
          <Fact label="PostgreSQL">{info.versionText}</Fact>
          <Fact label="Role">{info.inRecovery ? "standby" : "primary"}</Fact>
          <Fact label="System identifier">
            {info.systemIdentifier === null ? "not for this role to see" : <Mono>{info.systemIdentifier}</Mono>}
          </Fact>
          <Fact label="Data directory">
            {info.dataDirectory === null ? "not for this role to see" : <Mono>{info.dataDirectory}</Mono>}
          </Fact>
          <Fact label="Running since">
            <Time at={info.startedAt} show="absolute" />
          </Fact>
          <Fact label="Configuration loaded">
            <Time at={info.configurationLoadedAt} show="absolute" />
          </Fact>
          <Fact label="Page checksums">{onOff(info.dataChecksums)}</Fact>
          <Fact label="wal_level">{info.walLevel}</Fact>
          <Fact label="summarize_wal">{info.summarizeWal === null ? "from 17 on" : onOff(info.summarizeWal)}</Fact>
          <Fact label="track_commit_timestamp">{onOff(info.trackCommitTimestamp)}</Fact>
          <Fact label="FIPS mode">{info.fips === null ? "cannot be asked" : onOff(info.fips)}</Fact>
          <Fact label="Clock">{clock(info.clockDifferenceMs)}</Fact>
          <Fact label="Time zone">{info.timeZone ?? "not asked yet"}</Fact>
          <Fact label="WAL segment">{bytes(String(info.walSegmentSizeBytes))}</Fact>
          <Fact label="Blocks">
            {bytes(String(info.blockSizeBytes))}, WAL {bytes(String(info.walBlockSizeBytes))}
          </Fact>
          <Fact label="Relation segment">{bytes(String(info.relationSegmentSizeBytes))}</Fact>
          <Fact label="WAL senders">
            {info.usedWalSenders} of {info.maxWalSenders} in use
          </Fact>
          <Fact label="Replication slots">
            {info.usedReplicationSlots} of {info.maxReplicationSlots} in use
          </Fact>
          <Fact label="Timeouts">
            checkpoint {duration(info.checkpointTimeoutSeconds * 1000)}, archive{" "}
            {info.archiveTimeoutSeconds === 0 ? "none" : duration(info.archiveTimeoutSeconds * 1000)}
          </Fact>
        </Facts>
      </div>
    </Panel>
  );
}

function onOff(value: boolean): string {
  return value ? "on" : "off";
}

/** `clockDifferenceMs` is the server's clock less the worker's. */
function clock(differenceMs: number): string {
  if (Math.abs(differenceMs) < shownClockDifferenceMs) return "as the worker's";
  return `${duration(Math.abs(differenceMs))} ${differenceMs > 0 ? "ahead of" : "behind"} the worker's`;
}
