import { Power } from "lucide-react";
import { graphql, type ResultOf } from "#graphql/graphql.ts";
import { plural } from "#lib/format.ts";
import { scheduleKinds } from "#schedules/schedule-fields.ts";
import { Badge } from "#ui/badge.tsx";
import { Panel } from "#ui/panel.tsx";
import { Cell, Row, RowHeader, Table } from "#ui/table.tsx";
import { Time } from "#ui/time.tsx";
import { OfflineBadge } from "./offline-badge.tsx";
import { SetOffline } from "./set-offline.tsx";

export const OfflinePeriodFields = graphql(`
  fragment OfflinePeriodFields on OfflinePeriod {
    id
    since
    by
    reason
    endedAt
    endedBy
    missedCount
    missed {
      kind
      dueAt
    }
  }
`);

type Period = ResultOf<typeof OfflinePeriodFields>;

interface Props {
  readonly server: { readonly id: string; readonly name: string };
  /** Newest first, the present one included. */
  readonly periods: readonly Period[];
}

const columns = [{ name: "Offline" }, { name: "Why" }, { name: "Until" }, { name: "Missed" }];

/** Online or not, who said so and why, and what was missed meanwhile. The way back online is above every part of the page. */
export function OfflineSettings({ server, periods }: Props) {
  const offline = periods.find((period) => period.endedAt === null);
  return (
    <Panel
      title="Online"
      description="Offline, a server is left alone: no schedule, inspection or act reaches it. Its backups stay restorable."
      padded={false}
      action={offline === undefined && <SetOffline server={server} />}
    >
      <p className="px-4 py-3 sm:px-5">
        {offline === undefined ? (
          <Badge tone="ok" icon={Power}>
            Online
          </Badge>
        ) : (
          <OfflineBadge offline={offline} />
        )}
      </p>
      {periods.length > 0 && (
        <div className="border-t">
          <Table label="Offline periods" columns={columns}>
            {periods.map((period) => (
              <PeriodRow key={period.id} period={period} />
            ))}
          </Table>
        </div>
      )}
    </Panel>
  );
}

function PeriodRow({ period }: { readonly period: Period }) {
  return (
    <Row>
      <RowHeader>
        <Time at={period.since} show="absolute" />
        <span className="block text-[0.8125rem] text-muted">by {period.by}</span>
      </RowHeader>
      <Cell label="Why">
        <span className="break-words">{period.reason}</span>
      </Cell>
      <Cell label="Until">
        {period.endedAt === null ? (
          "still offline"
        ) : (
          <>
            <Time at={period.endedAt} show="absolute" />
            {period.endedBy !== null && <span className="block text-[0.8125rem] text-muted">by {period.endedBy}</span>}
          </>
        )}
      </Cell>
      <Cell label="Missed">
        <Missed period={period} />
      </Cell>
    </Row>
  );
}

function Missed({ period: { missed, missedCount, endedAt } }: { readonly period: Period }) {
  if (missedCount === 0) return endedAt === null ? "nothing so far" : "nothing";
  return (
    <details>
      <summary className="w-fit rounded text-accent">{plural(missedCount, "scheduled time")}</summary>
      <ul className="mt-1 space-y-0.5">
        {missed.map(({ kind, dueAt }) => (
          <li key={`${kind} ${dueAt}`}>
            {scheduleKinds.find((known) => known.kind === kind)?.title ?? kind}: <Time at={dueAt} show="absolute" />
          </li>
        ))}
        {missed.length < missedCount && <li className="text-muted">and {missedCount - missed.length} before these</li>}
      </ul>
    </details>
  );
}
