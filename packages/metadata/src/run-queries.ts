import { Prisma, type PrismaClient } from "./generated/client.ts";
import { type Page, type PageRequest, readPage } from "./page.ts";
import { newestRunFirst, runColumns, toRun } from "./run-columns.ts";
import type { Run, RunFilter, RunKind, VerifiedPartRow } from "./run-store.ts";

export async function findRuns(prisma: PrismaClient, ids: readonly string[]): Promise<readonly Run[]> {
  if (ids.length === 0) return [];
  const rows = await prisma.run.findMany({
    where: { id: { in: [...ids] } },
    orderBy: newestRunFirst,
    select: runColumns,
  });
  return rows.map(toRun);
}

export async function listRuns(prisma: PrismaClient, filter: RunFilter, page: PageRequest): Promise<Page<Run>> {
  const where: Prisma.RunWhereInput = {
    ...(filter.serverId === undefined ? {} : { serverId: filter.serverId }),
    ...(filter.repositoryId === undefined ? {} : { repositoryId: filter.repositoryId }),
    ...(filter.backupId === undefined ? {} : { backupId: filter.backupId }),
    ...(filter.kinds === undefined ? {} : { kind: { in: [...filter.kinds] } }),
    ...(filter.states === undefined ? {} : { state: { in: [...filter.states] } }),
  };
  return await readPage(
    page,
    {
      count: () => prisma.run.count({ where }),
      find: (window) => prisma.run.findMany({ where, ...window, orderBy: newestRunFirst, select: runColumns }),
    },
    toRun,
  );
}

/** Ids by raw SQL, then the rows: Prisma has no database clock, no DISTINCT ON and no interval arithmetic. */
async function runsOf(prisma: PrismaClient, ids: Promise<{ id: string }[]>): Promise<readonly Run[]> {
  return await findRuns(
    prisma,
    (await ids).map((row) => row.id),
  );
}

export function findStale(prisma: PrismaClient, deadAfterMs: number): Promise<readonly Run[]> {
  return runsOf(
    prisma,
    prisma.$queryRaw`
      SELECT id FROM run
       WHERE state = 'running' AND finished_at IS NULL
         AND heartbeat_at < clock_timestamp() - ${deadAfterMs} * interval '1 millisecond'
       ORDER BY heartbeat_at LIMIT 500`,
  );
}

export function findUnrung(prisma: PrismaClient, olderThanMs: number, limit: number): Promise<readonly Run[]> {
  return runsOf(
    prisma,
    prisma.$queryRaw`
      SELECT id FROM run
       WHERE state IN ('queued', 'waiting') AND finished_at IS NULL
         AND COALESCE(rung_at, created_at) <= clock_timestamp() - ${olderThanMs} * interval '1 millisecond'
       ORDER BY created_at LIMIT ${limit}`,
  );
}

/**
 * Empties the sealed contents of server files in runs that ended so long ago: only the asker could open them, and rows
 * are kept. The rest of the result stays. Gives how many.
 */
export function forgetFileContents(prisma: PrismaClient, olderThanMs: number): Promise<number> {
  return prisma.$executeRaw`
    UPDATE run SET result = jsonb_set(result, '{sealedBytes}', '""')
     WHERE kind = 'server-act' AND result->>'sealedBytes' <> ''
       AND finished_at <= clock_timestamp() - ${olderThanMs} * interval '1 millisecond'`;
}

export async function findUnfinished(prisma: PrismaClient, serverIds?: readonly string[]): Promise<readonly Run[]> {
  const rows = await prisma.run.findMany({
    where: { finishedAt: null, ...(serverIds === undefined ? {} : { serverId: { in: [...serverIds] } }) },
    orderBy: newestRunFirst,
    take: 500,
    select: runColumns,
  });
  return rows.map(toRun);
}

export function latestOfSchedules(prisma: PrismaClient, scheduleIds: readonly string[]): Promise<readonly Run[]> {
  return runsOf(
    prisma,
    prisma.$queryRaw`
      SELECT DISTINCT ON (schedule_id) id FROM run WHERE schedule_id = ANY(${scheduleIds}::text[])
       ORDER BY schedule_id, scheduled_for DESC`,
  );
}

export async function latestSucceeded(
  prisma: PrismaClient,
  serverId: string,
  kind: RunKind,
  limit: number,
): Promise<readonly Run[]> {
  const rows = await prisma.run.findMany({
    where: { serverId, kind, state: "succeeded" },
    orderBy: newestRunFirst,
    take: limit,
    select: runColumns,
  });
  return rows.map(toRun);
}

export function latestFinished(
  prisma: PrismaClient,
  serverIds: readonly string[],
  kind: RunKind,
): Promise<readonly Run[]> {
  return runsOf(
    prisma,
    prisma.$queryRaw`
      SELECT DISTINCT ON (server_id) id FROM run
       WHERE server_id = ANY(${serverIds}::text[]) AND kind = ${kind} AND finished_at IS NOT NULL
       ORDER BY server_id, created_at DESC, id DESC`,
  );
}

export function latestDrillVerdicts(prisma: PrismaClient, serverIds: readonly string[]): Promise<readonly Run[]> {
  return runsOf(
    prisma,
    prisma.$queryRaw`
      SELECT DISTINCT ON (server_id) id FROM run
       WHERE server_id = ANY(${serverIds}::text[]) AND kind = 'drill' AND finished_at IS NOT NULL
         AND result->>'outcome' IN ('proven', 'failed')
       ORDER BY server_id, finished_at DESC, id DESC`,
  );
}

export async function failuresInRow(
  prisma: PrismaClient,
  serverIds: readonly string[],
  kind: RunKind,
): Promise<ReadonlyMap<string, number>> {
  const rows = await prisma.$queryRaw<{ serverId: string; failures: number }[]>(Prisma.sql`
    SELECT failed.server_id AS "serverId", count(*)::int AS failures
      FROM run failed
      LEFT JOIN (SELECT server_id, max(created_at) AS at FROM run
                  WHERE kind = ${kind} AND state = 'succeeded' AND server_id = ANY(${serverIds}::text[])
                  GROUP BY server_id) good USING (server_id)
     WHERE failed.server_id = ANY(${serverIds}::text[]) AND failed.kind = ${kind}
       AND failed.state IN ('failed', 'interrupted') AND failed.error_code IS DISTINCT FROM 'server-offline'
       AND (good.at IS NULL OR failed.created_at > good.at)
     GROUP BY failed.server_id`);
  return new Map(rows.map((row) => [row.serverId, row.failures]));
}

export async function verifiedParts(
  prisma: PrismaClient,
  serverIds: readonly string[],
): Promise<readonly VerifiedPartRow[]> {
  if (serverIds.length === 0) return [];
  return await prisma.$queryRaw<VerifiedPartRow[]>`
    SELECT server_id AS "serverId", repository_id AS "repositoryId",
           coalesce((request->'subset'->>'part')::int, 1) AS part, coalesce((request->'subset'->>'of')::int, 1) AS of,
           min(created_at) AS "firstAt", max(created_at) AS "lastAt",
           max(finished_at) FILTER (WHERE result ? 'checkedBackups') AS "verifiedAt",
           bool_or(finished_at IS NULL) AS "isRunning"
      FROM run
     WHERE server_id = ANY(${[...serverIds]}::text[]) AND kind = 'verify' AND repository_id IS NOT NULL
       AND request->>'backupId' IS NULL AND coalesce(request->>'tier', 'whole') = 'whole'
     GROUP BY 1, 2, 3, 4`;
}
