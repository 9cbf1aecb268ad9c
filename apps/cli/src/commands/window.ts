import { formatBytes } from "@tidemark/kit";
import type { Command } from "commander";
import { z } from "zod";
import { type CommandContext, type CommonOptions, openSession } from "../context.ts";
import { exitCodes } from "../exit-code.ts";
import { findServerId } from "../lookup.ts";
import { formatInstant, formatTable, type Output } from "../output.ts";
import type { Register } from "../program.ts";
import { addWindowFind } from "./window-find.ts";

const Instant = z.object({ timeline: z.number(), lsn: z.string(), at: z.string().nullable() });
const Timeline = z.object({
  timeline: z.number(),
  parent: z.number().nullable(),
  switchLsn: z.string().nullable(),
  stretches: z.array(
    z.object({ from: Instant, to: Instant, backupCount: z.number(), expiresAt: z.string().nullable() }),
  ),
  gaps: z.array(
    z.object({
      timeline: z.number(),
      fromLsn: z.string(),
      toLsn: z.string(),
      cause: z.string(),
      before: Instant.nullable(),
      after: Instant.nullable(),
    }),
  ),
  withoutBase: z.array(z.object({ from: Instant, to: Instant })),
  restorePoints: z.array(
    z.object({ name: z.string(), at: z.string(), lsn: z.string(), timeline: z.number(), reachable: z.boolean() }),
  ),
});
const LiveEdge = z.object({
  timeline: z.number(),
  durableLsn: z.string(),
  lastCommit: z.object({ at: z.string(), lsn: z.string(), xid: z.number() }).nullable(),
  reachable: z.boolean(),
});
const Window = z.object({
  computedAt: z.string(),
  segmentCount: z.number(),
  segmentBytes: z.string(),
  lifetimes: z.array(
    z.object({ systemIdentifier: z.string(), liveEdge: LiveEdge.nullable(), timelines: z.array(Timeline) }),
  ),
});
type Window = z.infer<typeof Window>;

const instantFields = "{ timeline lsn at }";
const windowFields = `computedAt segmentCount segmentBytes lifetimes { systemIdentifier
  liveEdge { timeline durableLsn lastCommit { at lsn xid } reachable }
  timelines { timeline parent switchLsn
    stretches { from ${instantFields} to ${instantFields} backupCount expiresAt }
    gaps { timeline fromLsn toLsn cause before ${instantFields} after ${instantFields} }
    withoutBase { from ${instantFields} to ${instantFields} }
    restorePoints { name at lsn timeline reachable } } }`;

/** `tidemark window`: to where a server can be restored, and to where it should be. */
export function addWindowCommands(root: Command, context: CommandContext, register: Register): void {
  const window = root.command("window").description("to where a server can be restored");
  register(
    window.command("show <server>").description("recoverable stretches, gaps with their causes, and the live edge"),
    (server, options) => showWindow(context, server as string, options as CommonOptions),
  );
  addWindowFind(window, context, register);
}

async function showWindow(context: CommandContext, name: string, options: CommonOptions): Promise<number> {
  const { api, output } = openSession(context, options);
  const id = await findServerId(api, name);
  const { server } = await api.query(
    z.object({ server: z.object({ id: z.string(), name: z.string(), recoveryWindow: Window }) }),
    `query ($id: ID!) { server(id: $id) { id name recoveryWindow { ${windowFields} } } }`,
    { id },
  );
  if (output.format === "table") printTables(output, server.name, server.recoveryWindow);
  else {
    const document = { serverId: server.id, server: server.name, ...server.recoveryWindow };
    output.write(`${JSON.stringify(document, null, output.format === "json" ? 2 : undefined)}\n`);
  }
  return exitCodes.done;
}

function printTables(output: Output, name: string, window: Window): void {
  if (window.lifetimes.length === 0) {
    output.note(`nothing of ${name} can be restored yet: there is no backup\n`);
    return;
  }
  for (const { systemIdentifier, liveEdge, timelines } of window.lifetimes) {
    if (window.lifetimes.length > 1) output.write(`system identifier ${systemIdentifier}\n`);
    output.write(formatTable(timelines.flatMap(rowsOf), columns));
    if (liveEdge !== null) output.write(`\n${edgeText(liveEdge)}\n`);
  }
  output.write(`${window.segmentCount} WAL segments, ${formatBytes(BigInt(window.segmentBytes))} stored\n`);
}

interface Row {
  readonly timeline: number;
  readonly what: string;
  readonly from: z.infer<typeof Instant> | null;
  readonly to: z.infer<typeof Instant> | null;
  readonly detail: string;
}

const columns = [
  { title: "timeline", value: (row: Row) => String(row.timeline) },
  { title: "what", value: (row: Row) => row.what },
  { title: "from", value: (row: Row) => formatInstant(row.from?.at ?? null) },
  { title: "to", value: (row: Row) => formatInstant(row.to?.at ?? null) },
  { title: "lsn", value: (row: Row) => `${row.from?.lsn ?? "–"} … ${row.to?.lsn ?? "–"}` },
  { title: "", value: (row: Row) => row.detail },
];

function rowsOf({ timeline, parent, switchLsn, stretches, gaps, withoutBase }: z.infer<typeof Timeline>): Row[] {
  const branch = parent === null ? "" : `, branched off ${parent} at ${switchLsn}`;
  const rows: Row[] = [
    ...stretches.map(({ from, to, backupCount, expiresAt }) => ({
      timeline,
      what: "recoverable",
      from,
      to,
      detail: `${backupCount} backup${backupCount === 1 ? "" : "s"}${branch}${expiresAt === null ? "" : `, from ${formatInstant(expiresAt)} on less`}`,
    })),
    ...gaps.map(({ fromLsn, toLsn, cause, before, after }) => ({
      timeline,
      what: "gap",
      from: { timeline, lsn: fromLsn, at: before?.at ?? null },
      to: { timeline, lsn: toLsn, at: after?.at ?? null },
      detail: cause,
    })),
    ...withoutBase.map(({ from, to }) => ({ timeline, what: "without a backup", from, to, detail: "" })),
  ];
  return rows.sort((left, right) => compareLsn(left.from?.lsn ?? "", right.from?.lsn ?? ""));
}

function edgeText(edge: z.infer<typeof LiveEdge>): string {
  const commit = edge.lastCommit === null ? "" : `, last commit ${formatInstant(edge.lastCommit.at)}`;
  const reach = edge.reachable ? "" : "; no backup comes before it";
  return `durable up to ${edge.durableLsn} on timeline ${edge.timeline}${commit}${reach}`;
}

function compareLsn(left: string, right: string): number {
  const [one, other] = [left, right].map((text) =>
    BigInt(
      `0x${
        text
          .split("/")
          .map((half) => half.padStart(8, "0"))
          .join("") || "0"
      }`,
    ),
  );
  return (one ?? 0n) < (other ?? 0n) ? -1 : 1;
}
