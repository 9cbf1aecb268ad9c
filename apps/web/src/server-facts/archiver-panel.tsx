import { Archive, ArchiveX, CircleMinus } from "lucide-react";
import { Badge } from "#ui/badge.tsx";
import { Fact, Facts, Mono } from "#ui/facts.tsx";
import { Panel } from "#ui/panel.tsx";
import { Time } from "#ui/time.tsx";
import type { Snapshot } from "./snapshot-fields.ts";
import { Unread } from "./unread.tsx";

/** What the server's own archiver does. */
export function ArchiverPanel({ snapshot }: { readonly snapshot: Snapshot }) {
  const { archiver } = snapshot;
  if (archiver === null) {
    return (
      <Panel title="Archiver">
        <Unread snapshot={snapshot} section="archiver" />
      </Panel>
    );
  }
  return (
    <Panel title="Archiver">
      <Facts columns={3}>
        <Fact label="State">
          <ArchiverState archiver={archiver} />
        </Fact>
        <Fact label="archive_mode">{archiver.mode.toLowerCase()}</Fact>
        <Fact label={archiver.library === null ? "archive_command" : "archive_library"}>
          {(archiver.library ?? archiver.command) ? <Mono>{archiver.library ?? archiver.command}</Mono> : "none"}
        </Fact>
        <Fact label="Archived">
          {Number(archiver.archivedCount).toLocaleString("en")} segments
          {archiver.segmentsPerSecond !== null && `, ${perHour(archiver.segmentsPerSecond)} an hour`}
        </Fact>
        <Fact label="Last archived">
          {archiver.lastArchivedWal === null ? (
            "none"
          ) : (
            <>
              <Mono>{archiver.lastArchivedWal}</Mono> <Time at={archiver.lastArchivedAt} />
            </>
          )}
        </Fact>
        <Fact label="Failed">
          {Number(archiver.failedCount).toLocaleString("en")} times
          {archiver.lastFailedWal !== null && (
            <>
              , last <Mono>{archiver.lastFailedWal}</Mono> <Time at={archiver.lastFailedAt} />
            </>
          )}
        </Fact>
        <Fact label="Counted since">
          <Time at={archiver.statsResetAt} show="absolute" />
        </Fact>
      </Facts>
    </Panel>
  );
}

function ArchiverState({ archiver }: { readonly archiver: NonNullable<Snapshot["archiver"]> }) {
  if (archiver.mode === "OFF") {
    return (
      <Badge tone="neutral" icon={CircleMinus}>
        Off
      </Badge>
    );
  }
  return archiver.isArchiving ? (
    <Badge tone="ok" icon={Archive}>
      Archiving
    </Badge>
  ) : (
    <Badge tone="bad" icon={ArchiveX}>
      Not archiving
    </Badge>
  );
}

function perHour(segmentsPerSecond: number): string {
  return (segmentsPerSecond * 3600).toLocaleString("en", { maximumFractionDigits: 1 });
}
