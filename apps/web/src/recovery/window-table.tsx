import { Fragment } from "react";
import { sentence } from "#lib/format.ts";
import { Mono } from "#ui/facts.tsx";
import { Cell, Row, RowHeader, Table } from "#ui/table.tsx";
import { Time } from "#ui/time.tsx";
import type { Instant, Lifetime } from "./window-query.ts";

const columns = [{ name: "What" }, { name: "Timeline" }, { name: "From" }, { name: "To" }, { name: "Detail" }];

/** The same as the drawing, to be read. */
export function WindowTable({ lifetime }: { readonly lifetime: Lifetime }) {
  return (
    <Table label="Recoverable stretches and gaps" columns={columns}>
      {lifetime.timelines.map(({ timeline, parent, switchLsn, stretches, gaps, withoutBase, restorePoints }) => (
        <Fragment key={timeline}>
          {stretches.map((stretch) => (
            <Line
              key={stretch.from.lsn}
              what="Recoverable"
              timeline={timeline}
              from={stretch.from}
              to={stretch.to}
              detail={
                <>
                  {stretch.backupCount} backup{stretch.backupCount === 1 ? "" : "s"}
                  {parent !== null && `, branched off timeline ${parent} at ${switchLsn}`}
                  {stretch.expiresAt !== null && (
                    <>
                      ; begins later from <Time at={stretch.expiresAt} show="absolute" /> on
                    </>
                  )}
                </>
              }
            />
          ))}
          {gaps.map((gap) => (
            <Line
              key={`gap${gap.fromLsn}`}
              what="Gap"
              timeline={gap.timeline}
              from={gap.before ?? { timeline: gap.timeline, lsn: gap.fromLsn, at: null }}
              to={gap.after ?? { timeline: gap.timeline, lsn: gap.toLsn, at: null }}
              detail={sentence(gap.cause)}
            />
          ))}
          {withoutBase.map((part) => (
            <Line
              key={`base${part.from.lsn}`}
              what="WAL only"
              timeline={timeline}
              from={part.from}
              to={part.to}
              detail="No backup comes before it"
            />
          ))}
          {restorePoints.map((point) => (
            <Line
              key={`point${point.lsn}${point.name}`}
              what="Restore point"
              timeline={point.timeline}
              from={point}
              to={null}
              detail={`${point.name}${point.reachable ? "" : ", cannot be reached"}`}
            />
          ))}
        </Fragment>
      ))}
    </Table>
  );
}

interface LineProps {
  readonly what: string;
  readonly timeline: number;
  readonly from: Instant;
  /** Null: it is an instant. */
  readonly to: Instant | null;
  readonly detail: React.ReactNode;
}

function Line({ what, timeline, from, to, detail }: LineProps) {
  return (
    <Row>
      <RowHeader>{what}</RowHeader>
      <Cell label="Timeline">{timeline}</Cell>
      <Cell label="From">
        <Place at={from} />
      </Cell>
      <Cell label="To">{to === null ? "–" : <Place at={to} />}</Cell>
      <Cell label="Detail">{detail}</Cell>
    </Row>
  );
}

function Place({ at: { at, lsn } }: { readonly at: Pick<Instant, "at" | "lsn"> }) {
  return (
    <span>
      <Time at={at} show="absolute" /> <Mono>{lsn}</Mono>
    </span>
  );
}
