import { newId } from "@tidemark/kit";
import { isForeignKeyViolation, notFound } from "./database-error.ts";
import type { Prisma, PrismaClient } from "./generated/client.ts";
import { type Page, type PageRequest, readPage } from "./page.ts";

export const scheduleKinds = ["backup", "verify", "retention", "drill"] as const;
export type ScheduleKind = (typeof scheduleKinds)[number];

export interface ScheduleRow {
  readonly id: string;
  readonly serverId: string;
  readonly kind: ScheduleKind;
  readonly cron: string;
  readonly zone: string;
  readonly enabled: boolean;
  /** The cron time that last made a run; null when none has. */
  readonly lastFiredAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface NewSchedule {
  readonly serverId: string;
  readonly kind: ScheduleKind;
  readonly cron: string;
  readonly zone: string;
  readonly enabled?: boolean;
}

export interface ScheduleStore {
  /** One per server and kind: makes it or changes it. Throws `not-found` for an unknown server. */
  set(schedule: NewSchedule): Promise<ScheduleRow>;
  get(id: string): Promise<ScheduleRow | null>;
  getMany(ids: readonly string[]): Promise<readonly ScheduleRow[]>;
  ofServers(serverIds: readonly string[]): Promise<readonly ScheduleRow[]>;
  list(filter: { readonly serverId?: string | undefined }, page: PageRequest): Promise<Page<ScheduleRow>>;
  /** Every enabled one of a registered server: what the queue's schedulers must equal. */
  enabled(): Promise<readonly ScheduleRow[]>;
  /** Moves `lastFiredAt` forward, never back. */
  recordFired(id: string, at: Date): Promise<void>;
  /** False when there was none. */
  remove(id: string): Promise<boolean>;
}

const scheduleColumns = {
  id: true,
  serverId: true,
  kind: true,
  cron: true,
  zone: true,
  enabled: true,
  lastFiredAt: true,
  createdAt: true,
  updatedAt: true,
} satisfies Prisma.ScheduleSelect;

const oldestFirst = [{ createdAt: "asc" }, { id: "asc" }] satisfies Prisma.ScheduleOrderByWithRelationInput[];

export function createScheduleStore(prisma: PrismaClient): ScheduleStore {
  const find = async (where: Prisma.ScheduleWhereInput) =>
    (await prisma.schedule.findMany({ where, orderBy: oldestFirst, select: scheduleColumns })).map(toRow);
  return {
    set: async ({ serverId, kind, cron, zone, enabled }) => {
      try {
        const row = await prisma.schedule.upsert({
          where: { serverId_kind: { serverId, kind } },
          create: { id: newId("schedule"), serverId, kind, cron, zone, enabled: enabled ?? true },
          update: { cron, zone, ...(enabled === undefined ? {} : { enabled }) },
          select: scheduleColumns,
        });
        return toRow(row);
      } catch (error) {
        throw isForeignKeyViolation(error) ? notFound("server", serverId) : error;
      }
    },
    get: async (id) => (await find({ id }))[0] ?? null,
    getMany: (ids) => find({ id: { in: [...ids] } }),
    ofServers: (serverIds) => find({ serverId: { in: [...serverIds] } }),
    list: (filter, page) => {
      const where = filter.serverId === undefined ? {} : { serverId: filter.serverId };
      return readPage(
        page,
        {
          count: () => prisma.schedule.count({ where }),
          find: (window) =>
            prisma.schedule.findMany({ where, ...window, orderBy: oldestFirst, select: scheduleColumns }),
        },
        toRow,
      );
    },
    enabled: () => find({ enabled: true, server: { removedAt: null } }),
    recordFired: async (id, at) => {
      await prisma.$executeRaw`
        UPDATE schedule SET last_fired_at = GREATEST(last_fired_at, ${at}) WHERE id = ${id}`;
    },
    remove: async (id) => (await prisma.schedule.deleteMany({ where: { id } })).count === 1,
  };
}

function toRow(columns: Prisma.ScheduleGetPayload<{ select: typeof scheduleColumns }>): ScheduleRow {
  return { ...columns, kind: columns.kind as ScheduleKind };
}
