import Link from "next/link";
import { bytes, count, duration, exactBytes } from "#lib/format.ts";
import { repositoryPath, runPath } from "#lib/paths.ts";
import { Fact, Facts, Mono } from "#ui/facts.tsx";
import { Panel } from "#ui/panel.tsx";
import { Time } from "#ui/time.tsx";
import type { BackupDetail } from "./backup-query.ts";

export function BackupFacts({ backup }: { readonly backup: BackupDetail }) {
  return (
    <Panel title="Facts">
      <Facts columns={3}>
        <Fact label="Started">
          <Time at={backup.startedAt} show="absolute" />
        </Fact>
        <Fact label="Finished">
          <Time at={backup.finishedAt} show="absolute" />
        </Fact>
        <Fact label="Duration">{duration(backup.durationMs)}</Fact>
        <Fact label="A restore writes" title={exactBytes(backup.sizeBytes)}>
          {bytes(backup.sizeBytes)} in {count(backup.fileCount)} files
        </Fact>
        {backup.sizes === null && (
          <>
            <Fact label="Newly stored" title={exactBytes(backup.storedBytes)}>
              {bytes(backup.storedBytes)}
            </Fact>
            <Fact label="Shared with earlier backups" title={exactBytes(backup.referencedBytes)}>
              {bytes(backup.referencedBytes)}
            </Fact>
          </>
        )}
        <Fact label="PostgreSQL">{backup.serverVersion ?? "–"}</Fact>
        <Fact label="Taken from">
          {backup.fromStandby === null ? "–" : backup.fromStandby ? "a standby" : "the primary"}
        </Fact>
        <Fact label="Page checksums">
          {backup.checksumsEnabled === null
            ? "–"
            : backup.checksumsEnabled
              ? "on, verified while copied"
              : "off on this server"}
        </Fact>
        {backup.trust !== null && (
          <Fact label="Rolling trust">
            share {backup.trust.round + 1} of 28 sent again and compared
            {backup.trust.findings.length === 0 ? ": as it was stored" : ": see above"}
          </Fact>
        )}
        <Fact label="WAL positions">
          <Mono>
            {backup.startLsn ?? "–"} → {backup.stopLsn ?? "–"}
          </Mono>
        </Fact>
        <Fact label="WAL segments">
          <Mono>
            {backup.walStart ?? "–"} → {backup.walEnd ?? "–"}
          </Mono>
        </Fact>
        <Fact label="Timeline">{backup.timeline ?? "–"}</Fact>
        <Fact label="System identifier">
          <Mono>{backup.systemIdentifier ?? "–"}</Mono>
        </Fact>
        <Fact label="Repository">
          <Link href={repositoryPath(backup.repository.id)} className="text-accent hover:underline">
            {backup.repository.name}
          </Link>
        </Fact>
        <Fact label="Backup">
          <Mono>{backup.id}</Mono>
        </Fact>
        {backup.run !== null && (
          <Fact label="Made by">
            <Link href={runPath(backup.run.id)} className="text-accent hover:underline">
              its run
            </Link>
          </Fact>
        )}
        <Fact label="Kept because">
          {backup.retentionReasons.length === 0
            ? "retention has not looked at it yet"
            : backup.retentionReasons.join("; ")}
        </Fact>
      </Facts>
      {backup.notes.length > 0 && (
        <ul
          aria-label="Remarks of the backup"
          className="mt-4 list-disc space-y-1 border-t ps-5 pt-4 text-sm text-muted"
        >
          {backup.notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
