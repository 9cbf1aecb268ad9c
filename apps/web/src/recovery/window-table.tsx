import type { ReactNode } from "react";
import { plural, sentence } from "#lib/format.ts";
import { Mono } from "#ui/facts.tsx";
import { Cell, Row, RowHeader, Table } from "#ui/table.tsx";
import { Time } from "#ui/time.tsx";
import { compareLsn } from "./timeline-model.ts";
import type { Instant, Lifetime } from "./window-query.ts";

const columns = [{ name: "What" }, { name: "Timeline" }, { name: "From" }, { name: "To" }, { name: "Detail" }];

/** The same as the drawing, to be read: each timeline from its beginning on. */
export function WindowTable({ lifetime }: { readonly lifetime: Lifetime }) {
  return (
    <Table label="Recoverable stretches and gaps" columns={columns}>
      {lifetime.timelines.flatMap((window) =>
        linesOf(window)
          .sort((left, right) => compareLsn(left.from.lsn, right.from.lsn))
          .map((line) => <Line key={`${window.timeline} ${line.what} ${line.from.lsn}`} {...line} />),
      )}
    </Table>
  );
}

function linesOf(window: Lifetime["timelines"][number]): LineProps[] {
  const { timeline, parent, switchLsn, stretches, gaps, withoutBase, restorePoints } = window;
  return [
    ...stretches.map(({ from, to, backupCount, expiresAt }) => ({
      what: "Recoverable",
      timeline,
      from,
      to,
      detail: (
        <>
          {plural(backupCount, "backup")}
          {parent !== null && `, branched off timeline ${parent} at ${switchLsn}`}
          {expiresAt !== null && (
            <>
              ; begins later from <Time at={expiresAt} show="absolute" /> on
            </>
          )}
        </>
      ),
    })),
    ...gaps.map((gap) => ({
      what: gap.timeline === timeline ? "Gap" : `Gap of timeline ${gap.timeline}`,
      timeline,
      from: gap.before ?? { timeline: gap.timeline, lsn: gap.fromLsn, at: null },
      to: gap.after ?? { timeline: gap.timeline, lsn: gap.toLsn, at: null },
      detail: sentence(gap.cause),
    })),
    ...withoutBase.map(({ from, to }) => ({
      what: "WAL only",
      timeline,
      from,
      to,
      detail: "No backup comes before it",
    })),
    ...restorePoints.map((point) => ({
      what: "Restore point",
      timeline: point.timeline,
      from: point,
      to: null,
      detail: `${point.name}${point.reachable ? "" : ", cannot be reached"}`,
    })),
  ];
}

interface LineProps {
  readonly what: string;
  readonly timeline: number;
  readonly from: Pick<Instant, "at" | "lsn">;
  /** Null: it is an instant. */
  readonly to: Pick<Instant, "at" | "lsn"> | null;
  readonly detail: ReactNode;
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
