import { newId } from "@tidemark/kit";
import { notFound } from "./database-error.ts";
import type { Prisma, PrismaClient } from "./generated/client.ts";
import type { ScheduleKind } from "./schedule-store.ts";

/** A time in which a server's schedules and polls stand still, and what passed meanwhile. */
export interface OfflinePeriod {
  readonly id: string;
  readonly serverId: string;
  readonly since: Date;
  /** Who set it, `user:<id>` or `token:<id>`. */
  readonly by: string;
  readonly reason: string;
  /** Null while the server is offline. */
  readonly endedAt: Date | null;
  readonly endedBy: string | null;
  /** The newest scheduled times that passed in it, newest first, at most 100; empty while it lasts. */
  readonly missed: readonly MissedTimeRow[];
  /** All of them. */
  readonly missedCount: number;
}

export interface MissedTimeRow {
  readonly kind: ScheduleKind;
  readonly dueAt: Date;
}

export interface OfflineStore {
  /** Idempotent: of a server that is offline already the open period is given as it is. Throws `not-found`. */
  setOffline(request: {
    readonly serverId: string;
    readonly by: string;
    readonly reason: string;
  }): Promise<OfflinePeriod>;
  /** Ends the open period; null when the server is online already. `missed` is what policy's `missedTimes` gave. */
  setOnline(request: {
    readonly serverId: string;
    readonly by: string;
    readonly missed: { readonly times: readonly MissedTimeRow[]; readonly count: number };
  }): Promise<OfflinePeriod | null>;
  /** The open periods of those of these servers that are offline; of all servers when left out. */
  current(serverIds?: readonly string[]): Promise<readonly OfflinePeriod[]>;
  /** The newest period of each of these servers that ever had one, open or ended. */
  latest(serverIds: readonly string[]): Promise<readonly OfflinePeriod[]>;
  /** Newest first, the open one included. */
  ofServer(serverId: string, limit: number): Promise<readonly OfflinePeriod[]>;
}

export function createOfflineStore(prisma: PrismaClient): OfflineStore {
  const openOf = async (serverId: string) => {
    const row = await prisma.offlinePeriod.findFirst({ where: { serverId, endedAt: null }, select: offlineColumns });
    return row === null ? null : toPeriod(row);
  };
  return {
    setOffline: async ({ serverId, by, reason }) => {
      // One statement: of two who set it at once, the second finds the first one's period.
      await prisma.$executeRaw`
        INSERT INTO offline_period (id, server_id, by, reason)
        SELECT ${newId("offline")}, id, ${by}, ${reason} FROM server WHERE id = ${serverId} AND removed_at IS NULL
        ON CONFLICT (server_id) WHERE ended_at IS NULL DO NOTHING`;
      const period = await openOf(serverId);
      if (period === null) throw notFound("server", serverId);
      return period;
    },
    setOnline: async ({ serverId, by, missed }) => {
      const times = JSON.stringify(missed.times);
      const rows = await prisma.$queryRaw<{ id: string }[]>`
        UPDATE offline_period
           SET ended_at = GREATEST(clock_timestamp(), since), ended_by = ${by},
               missed = ${times}::jsonb, missed_count = ${missed.count}
         WHERE server_id = ${serverId} AND ended_at IS NULL
        RETURNING id`;
      const ended = rows[0];
      if (ended === undefined) return null;
      return toPeriod(
        await prisma.offlinePeriod.findUniqueOrThrow({ where: { id: ended.id }, select: offlineColumns }),
      );
    },
    current: async (serverIds) => {
      const where = { endedAt: null, ...(serverIds === undefined ? {} : { serverId: { in: [...serverIds] } }) };
      return (await prisma.offlinePeriod.findMany({ where, select: offlineColumns })).map(toPeriod);
    },
    latest: async (serverIds) => {
      const rows = await prisma.offlinePeriod.findMany({
        where: { serverId: { in: [...serverIds] } },
        distinct: ["serverId"],
        // The open one, whatever the clock did meanwhile.
        orderBy: [{ serverId: "asc" }, { endedAt: { sort: "desc", nulls: "first" } }, ...newestFirst],
        select: offlineColumns,
      });
      return rows.map(toPeriod);
    },
    ofServer: async (serverId, limit) => {
      const rows = await prisma.offlinePeriod.findMany({
        where: { serverId },
        orderBy: newestFirst,
        take: limit,
        select: offlineColumns,
      });
      return rows.map(toPeriod);
    },
  };
}

const offlineColumns = {
  id: true,
  serverId: true,
  since: true,
  by: true,
  reason: true,
  endedAt: true,
  endedBy: true,
  missed: true,
  missedCount: true,
} satisfies Prisma.OfflinePeriodSelect;

const newestFirst = [{ since: "desc" }, { id: "desc" }] satisfies Prisma.OfflinePeriodOrderByWithRelationInput[];

function toPeriod(columns: Prisma.OfflinePeriodGetPayload<{ select: typeof offlineColumns }>): OfflinePeriod {
  const missed = columns.missed as unknown as readonly { readonly kind: ScheduleKind; readonly dueAt: string }[];
  return { ...columns, missed: missed.map(({ kind, dueAt }) => ({ kind, dueAt: new Date(dueAt) })) };
}
