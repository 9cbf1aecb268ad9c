"use client";
import { useId, useState } from "react";
import { graphql, type VariablesOf } from "#graphql/graphql.ts";
import { plural, sentence } from "#lib/format.ts";
import { useQuery } from "#lib/use-query.ts";
import { Badge } from "#ui/badge.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { Cell, Row, RowHeader, Table } from "#ui/table.tsx";
import { Time } from "#ui/time.tsx";

const SimulateRetention = graphql(`
  query SimulateRetention($serverId: ID!, $at: DateTime!, $policy: RetentionInput) {
    simulateRetention(serverId: $serverId, at: $at, policy: $policy) {
      at
      sentence
      foretoldCount
      kept {
        backup {
          id
        }
        startedAt
        reasons
      }
      deleted {
        backup {
          id
          startedAt
        }
        deletedAt
        reasons
      }
    }
  }
`);

const dayMs = 86_400_000;
/** How far one may look ahead, in days: near ones close together. */
const stops = [
  { days: 0, label: "today" },
  { days: 1, label: "in a day" },
  { days: 3, label: "in 3 days" },
  { days: 7, label: "in a week" },
  { days: 14, label: "in 2 weeks" },
  { days: 30, label: "in a month" },
  { days: 61, label: "in 2 months" },
  { days: 91, label: "in 3 months" },
  { days: 183, label: "in 6 months" },
  { days: 274, label: "in 9 months" },
  { days: 365, label: "in a year" },
  { days: 548, label: "in 18 months" },
  { days: 730, label: "in 2 years" },
] as const;
const columns = [{ name: "Begun" }, { name: "Then" }, { name: "Because" }] as const;
const rowsShown = 100;

interface Props {
  readonly serverId: string;
  readonly policy: NonNullable<VariablesOf<typeof SimulateRetention>["policy"]>;
}

/** The simulator: what these rules leave at a date to come, backups that are still to be taken included. */
export function RetentionForecast({ serverId, policy }: Props) {
  const id = useId();
  const [now] = useState(() => Date.now());
  const [stop, setStop] = useState(0);
  const { days, label } = stops[stop] ?? stops[0];
  const at = new Date(now + days * dayMs).toISOString();
  const { value, problem, stale } = useQuery(SimulateRetention, { serverId, at, policy });
  const forecast = value?.simulateRetention ?? null;
  return (
    <section aria-label="Simulation" aria-busy={stale} className="space-y-3">
      <div className="space-y-1">
        <label htmlFor={id} className="block text-sm font-medium">
          What will be there
        </label>
        <input
          id={id}
          type="range"
          min={0}
          max={stops.length - 1}
          value={stop}
          onChange={(event) => setStop(Number(event.target.value))}
          aria-valuetext={label}
          className="w-full accent-accent min-h-9 max-md:min-h-11"
        />
        <p className="text-sm">
          {sentence(label)}, <Time at={forecast?.at ?? at} show="absolute" />
          {stale && <span className="text-muted"> · computing…</span>}
        </p>
      </div>
      {problem !== null && <ErrorPanel title="No simulation" problem={problem} />}
      {forecast !== null && (
        <>
          <p className="text-sm">
            {sentence(forecast.sentence)}
            {forecast.foretoldCount > 0 &&
              `; the schedules will have taken ${plural(forecast.foretoldCount, "backup")}`}
          </p>
          {forecast.kept.length + forecast.deleted.length === 0 && (
            <p className="text-sm text-muted">There is no backup then, and no schedule takes one.</p>
          )}
          <div
            hidden={forecast.kept.length + forecast.deleted.length === 0}
            className="max-h-96 overflow-y-auto rounded-md border"
          >
            <Table label={`Backups ${label}`} columns={columns}>
              {forecast.kept.slice(0, rowsShown).map(({ backup, startedAt, reasons }) => (
                <Row key={startedAt}>
                  <RowHeader>
                    <Time at={startedAt} show="absolute" />
                  </RowHeader>
                  <Cell label="Then">
                    {backup === null ? <Badge tone="neutral">To come</Badge> : <Badge tone="ok">Kept</Badge>}
                  </Cell>
                  <Cell label="Because">{reasons.join("; ")}</Cell>
                </Row>
              ))}
              {forecast.deleted.slice(0, rowsShown).map(({ backup, deletedAt, reasons }) => (
                <Row key={backup.id}>
                  <RowHeader>
                    <Time at={backup.startedAt} show="absolute" />
                  </RowHeader>
                  <Cell label="Then">
                    <Badge tone="bad">Gone</Badge> since <Time at={deletedAt} show="absolute" />
                  </Cell>
                  <Cell label="Because">{reasons.join("; ")}</Cell>
                </Row>
              ))}
            </Table>
          </div>
          {forecast.kept.length > rowsShown && (
            <p className="text-sm text-muted">Only the newest {rowsShown} are listed.</p>
          )}
        </>
      )}
    </section>
  );
}
