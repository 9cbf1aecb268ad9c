// biome-ignore-all lint/a11y/noRedundantRoles: CSS turns rows into blocks on narrow screens, and a browser then forgets the native roles.
import { clsx } from "clsx";
import type { ReactNode } from "react";

interface TableProps {
  /** The table's accessible name. */
  readonly label: string;
  readonly columns: readonly Column[];
  readonly children: ReactNode;
}

export interface Column {
  readonly name: string;
  readonly align?: "end";
  /** Only for screen readers, as of a column of buttons. */
  readonly hidden?: boolean;
}

/** A table that becomes a list of cards below 768 px. The explicit roles keep it a table when CSS changes its display. */
export function Table({ label, columns, children }: TableProps) {
  return (
    <table role="table" aria-label={label} className="stacked w-full text-sm tabular-nums">
      <thead role="rowgroup">
        <tr role="row" className="border-b">
          {columns.map((column) => (
            <th
              key={column.name}
              role="columnheader"
              scope="col"
              className={clsx(
                "px-3 py-2 text-[0.8125rem] font-medium whitespace-nowrap text-muted first:ps-4 last:pe-4 sm:first:ps-5 sm:last:pe-5",
                column.align === "end" ? "text-end" : "text-start",
              )}
            >
              {column.hidden ? <span className="sr-only">{column.name}</span> : column.name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup" className="divide-y">
        {children}
      </tbody>
    </table>
  );
}

export function Row({ children }: { readonly children: ReactNode }) {
  return (
    <tr role="row" className="transition-colors hover:bg-raised/55">
      {children}
    </tr>
  );
}

/** Narrower than 768 px the stacked table of globals.css sets the distances. */
const cell = "align-top md:px-3 md:py-2.5 md:first:ps-5 md:last:pe-5";

export function RowHeader({ children }: { readonly children: ReactNode }) {
  return (
    <th role="rowheader" scope="row" className={clsx(cell, "text-start font-normal")}>
      {children}
    </th>
  );
}

interface CellProps {
  /** The column's name, shown beside the value on a narrow screen. */
  readonly label?: string;
  readonly align?: "end";
  readonly title?: string | undefined;
  readonly children: ReactNode;
}

export function Cell({ label, align, title, children }: CellProps) {
  return (
    <td
      role="cell"
      data-label={label}
      title={title}
      className={clsx(cell, align === "end" && "whitespace-nowrap md:text-end")}
    >
      {children}
    </td>
  );
}
