import type { ObjectRef } from "@pothos/core";
import type { Page } from "@tidemark/metadata";
import { builder, type Types } from "./builder.ts";
import {
  ApiTokenRef,
  AuditEventRef,
  BackupRef,
  FindingRef,
  PolicyRef,
  RepositoryRef,
  RunRef,
  ScheduleRef,
  ServerRef,
} from "./refs.ts";

interface PageInfoShape {
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly startCursor: string | null;
  readonly endCursor: string | null;
}

const PageInfoRef = builder.objectRef<PageInfoShape>("PageInfo").implement({
  description: "Where a page lies in its list.",
  fields: (t) => ({
    hasNextPage: t.exposeBoolean("hasNextPage", { description: "Whether rows follow." }),
    hasPreviousPage: t.exposeBoolean("hasPreviousPage", { description: "Whether rows come before." }),
    startCursor: t.exposeString("startCursor", {
      nullable: true,
      description: "Of the first row; null on an empty page.",
    }),
    endCursor: t.exposeString("endCursor", { nullable: true, description: "Of the last row; null on an empty page." }),
  }),
});

/** One of `first` and `last`, 1 to 100: the stores refuse anything else with page-size-out-of-range. */
export const pageArguments = builder.args((t) => ({
  first: t.int({ description: "How many from the front, 1 to 100. One of first and last is required." }),
  after: t.string({ description: "With first: begin after this cursor." }),
  last: t.int({ description: "How many from the end, 1 to 100." }),
  before: t.string({ description: "With last: end before this cursor." }),
}));

/** The cost of a connection: its query (`field`) and its rows. A size out of range is left for the store to refuse. */
export function pageCost(queryCost: number) {
  return (args: { first?: number | null | undefined; last?: number | null | undefined }) => ({
    field: queryCost,
    multiplier: Math.min(Math.max(args.first ?? args.last ?? 100, 1), 100),
  });
}
/** A connection at the root is one query. */
export const rootPageCost = pageCost(10);
/** Below a row it is one query for each row: dear, so that few of them fit into one operation. */
export const nestedPageCost = pageCost(500);

function connectionOf<Row>(name: string, node: ObjectRef<Types, Row>) {
  const Edge = builder.objectRef<{ readonly cursor: string; readonly node: Row }>(`${name}Edge`);
  Edge.implement({
    description: `A row of a ${name}Connection and its place.`,
    fields: (t) => ({
      cursor: t.exposeString("cursor", { description: "The row's place in the list." }),
      node: t.field({ type: node, description: "The row.", resolve: (edge) => edge.node as never }),
    }),
  });
  const Connection = builder.objectRef<Page<Row>>(`${name}Connection`);
  Connection.implement({
    description: `A page of a list of ${name}.`,
    fields: (t) => ({
      edges: t.field({
        type: [Edge],
        description: "Rows with their cursors.",
        complexity: { field: 0, multiplier: 1 },
        resolve: (page) => page.rows.map((row, index) => ({ cursor: page.cursors[index] ?? "", node: row })),
      }),
      nodes: t.field({
        type: [node],
        description: "Rows.",
        complexity: { field: 0, multiplier: 1 },
        resolve: (page) => page.rows as never,
      }),
      pageInfo: t.field({
        type: PageInfoRef,
        description: "Where this page lies.",
        complexity: { field: 0, multiplier: 0 },
        resolve: (page) => ({
          hasNextPage: page.hasNextPage,
          hasPreviousPage: page.hasPreviousPage,
          startCursor: page.cursors[0] ?? null,
          endCursor: page.cursors.at(-1) ?? null,
        }),
      }),
      totalCount: t.exposeInt("totalCount", { description: "Rows on all pages.", complexity: 0 }),
    }),
  });
  return Connection;
}

export const ServerConnection = connectionOf("Server", ServerRef);
export const RepositoryConnection = connectionOf("Repository", RepositoryRef);
export const PolicyConnection = connectionOf("Policy", PolicyRef);
export const BackupConnection = connectionOf("Backup", BackupRef);
export const RunConnection = connectionOf("Run", RunRef);
export const ScheduleConnection = connectionOf("Schedule", ScheduleRef);
export const FindingConnection = connectionOf("Finding", FindingRef);
export const ApiTokenConnection = connectionOf("ApiToken", ApiTokenRef);
export const AuditEventConnection = connectionOf("AuditEvent", AuditEventRef);
