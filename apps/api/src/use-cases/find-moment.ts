import { FindMomentResult, type RunRequest } from "@tidemark/jobs";
import type { Run } from "@tidemark/metadata";
import { z } from "zod";
import type { Services } from "../services.ts";
import { EntityId } from "./inputs.ts";
import { badField, parseInput } from "./parse-input.ts";
import { type Caller, perform } from "./perform.ts";
import { requireServer } from "./requirements.ts";

const ObjectName = z.string().min(1).max(63);

export const FindMomentInput = z.object({
  serverId: EntityId,
  database: ObjectName,
  schema: ObjectName.nullish().describe("Of the table; `public` when left out."),
  table: ObjectName.nullish().describe(
    "With its partitions and heirs, in the case PostgreSQL keeps; any table but the system's when left out.",
  ),
  from: z.iso.datetime({ offset: true }).describe("Only what was committed from then on, by the server's clock."),
  to: z.iso.datetime({ offset: true }).describe("And until then."),
  leastRows: z
    .number()
    .int()
    .min(1)
    .max(2_147_483_647)
    .nullish()
    .describe("So many deleted or updated rows of a table are many; 1000 when left out."),
  timeline: z
    .number()
    .int()
    .min(1)
    .max(0xffff_ffff)
    .nullish()
    .describe("The newest that has WAL of that time when left out."),
  mostMoments: z.number().int().min(1).max(1_000).nullish().describe("Find no more; 100 when left out."),
});

/** Starts the run that searches the archived WAL for transactions that took rows or tables away. */
export function findMoment(services: Services, caller: Caller, input: unknown) {
  const { serverId } = input as { serverId?: unknown };
  const target = { kind: "server", id: typeof serverId === "string" ? serverId : null };
  const act = { name: "findMoment", input: input as Record<string, unknown>, target };
  return perform<{ runId: string }>(services, caller, act, async (scope) => {
    const parsed = parseInput(FindMomentInput, input);
    const server = await requireServer(services, parsed.serverId);
    const run = await scope.startRun({
      kind: "find-moment",
      request: requestOf(server.id, parsed),
      serverId: server.id,
      repositoryId: server.repositoryId,
    });
    return { runId: run.id };
  });
}

function requestOf(serverId: string, parsed: z.output<typeof FindMomentInput>): RunRequest<"find-moment"> {
  const from = new Date(parsed.from);
  const to = new Date(parsed.to);
  if (from > to) throw badField("to", "the search would end before it begins");
  if (parsed.schema != null && parsed.table == null) {
    throw badField("table", "a schema says in which one a table is, so it needs the table");
  }
  return {
    serverId,
    database: parsed.database,
    relation: parsed.table == null ? null : { schema: parsed.schema ?? "public", name: parsed.table },
    from: from.toISOString(),
    to: to.toISOString(),
    leastRows: parsed.leastRows ?? usualLeastRows,
    timeline: parsed.timeline ?? null,
    mostMoments: parsed.mostMoments ?? usualMostMoments,
  };
}

const usualLeastRows = 1_000;
const usualMostMoments = 100;

/** What a search found; null for other runs and before its end. */
export function foundMomentsOf(run: Run): FindMomentResult | null {
  if (run.kind !== "find-moment" || run.state !== "succeeded") return null;
  return FindMomentResult.parse(run.result);
}
