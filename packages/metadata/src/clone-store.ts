import { newId } from "@tidemark/kit";
import { isForeignKeyViolation, notFound } from "./database-error.ts";
import type { Prisma, PrismaClient } from "./generated/client.ts";
import { type Json, plainJson, toJsonColumn } from "./json.ts";

/** `ended` and `failed` are final; its files are gone then. */
export type CloneState = "preparing" | "running" | "moving" | "ending" | "ended" | "failed";

/** A restored server that is kept for a while; the sealed password is only given by `sealedPassword`. */
export interface CloneRow {
  readonly id: string;
  readonly serverId: string;
  /** Null when that backup's row is gone. */
  readonly backupId: string | null;
  readonly state: CloneState;
  /** What was asked for, as packages/jobs writes it. */
  readonly target: Json;
  /** How far it is, as it said itself; null: not started yet. */
  readonly reached: Json;
  readonly promoted: boolean;
  readonly workerId: string | null;
  /** The machine that holds it, and where. */
  readonly hostname: string | null;
  readonly path: string | null;
  readonly host: string | null;
  readonly port: number | null;
  readonly pid: number | null;
  readonly userName: string | null;
  readonly sizeBytes: bigint | null;
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly endedAt: Date | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

export interface NewClone {
  readonly id?: string;
  readonly serverId: string;
  readonly backupId: string | null;
  readonly target: unknown;
  readonly createdBy: string;
  /** From now, by the database's clock. */
  readonly livesForMs: number;
}

export type CloneChange = Partial<
  Pick<
    CloneRow,
    | "state"
    | "backupId"
    | "promoted"
    | "workerId"
    | "hostname"
    | "path"
    | "host"
    | "port"
    | "pid"
    | "userName"
    | "sizeBytes"
    | "error"
  >
> & { readonly target?: unknown; readonly reached?: unknown; readonly sealedPassword?: string | null };

export interface CloneStore {
  /** Throws `not-found` for an unknown server. */
  create(clone: NewClone): Promise<CloneRow>;
  get(id: string): Promise<CloneRow | null>;
  /** Newest first. `living` left out: also those that ended. */
  list(filter: { readonly serverIds?: readonly string[]; readonly living?: boolean }): Promise<readonly CloneRow[]>;
  /** Living ones whose time has passed, by the database's clock. */
  expired(): Promise<readonly CloneRow[]>;
  /** Only from these states, when given; `ended` and `failed` set the time. Null when it was in another state or unknown. */
  update(id: string, change: CloneChange, from?: readonly CloneState[]): Promise<CloneRow | null>;
  /** Lives that long from now on. Null when it has ended. */
  extend(id: string, livesForMs: number): Promise<CloneRow | null>;
  sealedPassword(id: string): Promise<string | null>;
}

export function createCloneStore(prisma: PrismaClient): CloneStore {
  const find = async (where: Prisma.CloneWhereInput) => {
    const orderBy = [{ createdAt: "desc" as const }, { id: "desc" as const }];
    return (await prisma.clone.findMany({ where, orderBy, take: 500, select: cloneColumns })).map(toClone);
  };
  const get = async (id: string) => (await find({ id }))[0] ?? null;
  return {
    create: (clone) => createClone(prisma, clone),
    get,
    list: ({ serverIds, living }) =>
      find({
        ...(serverIds === undefined ? {} : { serverId: { in: [...serverIds] } }),
        ...(living === undefined ? {} : { endedAt: living ? null : { not: null } }),
      }),
    expired: async () => {
      const rows = await prisma.$queryRaw<{ id: string }[]>`
        SELECT id FROM clone WHERE ended_at IS NULL AND expires_at <= clock_timestamp()`;
      return await find({ id: { in: rows.map(({ id }) => id) } });
    },
    update: async (id, change, from) => {
      const { error, target, reached, state, ...plain } = change;
      const { count } = await prisma.clone.updateMany({
        where: { id, ...(from === undefined ? {} : { state: { in: [...from] } }) },
        data: {
          ...plain,
          ...(state === undefined ? {} : { state }),
          ...(target === undefined ? {} : { target: plainJson(target) }),
          ...(reached === undefined ? {} : { reached: toJsonColumn(reached) }),
          ...(error === undefined ? {} : { errorCode: error?.code ?? null, errorMessage: error?.message ?? null }),
        },
      });
      if (count === 0) return null;
      if (state === "ended" || state === "failed") {
        await prisma.$executeRaw`UPDATE clone SET ended_at = COALESCE(ended_at, clock_timestamp()) WHERE id = ${id}`;
      }
      return await get(id);
    },
    extend: async (id, livesForMs) => {
      const changed = await prisma.$executeRaw`
        UPDATE clone SET expires_at = clock_timestamp() + ${livesForMs} * interval '1 millisecond'
         WHERE id = ${id} AND ended_at IS NULL`;
      return changed === 0 ? null : await get(id);
    },
    sealedPassword: async (id) =>
      (await prisma.clone.findUnique({ where: { id }, select: { sealedPassword: true } }))?.sealedPassword ?? null,
  };
}

async function createClone(prisma: PrismaClient, clone: NewClone): Promise<CloneRow> {
  const id = clone.id ?? newId("clone");
  const target = JSON.stringify(clone.target);
  try {
    await prisma.$executeRaw`
      INSERT INTO clone (id, server_id, backup_id, state, target, created_by, expires_at)
      VALUES (${id}, ${clone.serverId}, ${clone.backupId}, 'preparing', ${target}::jsonb, ${clone.createdBy},
              clock_timestamp() + ${clone.livesForMs} * interval '1 millisecond')`;
  } catch (error) {
    throw isForeignKeyViolation(error) ? notFound("server or backup", clone.serverId) : error;
  }
  return toClone(await prisma.clone.findUniqueOrThrow({ where: { id }, select: cloneColumns }));
}

const cloneColumns = {
  id: true,
  serverId: true,
  backupId: true,
  state: true,
  target: true,
  reached: true,
  promoted: true,
  workerId: true,
  hostname: true,
  path: true,
  host: true,
  port: true,
  pid: true,
  userName: true,
  sizeBytes: true,
  createdBy: true,
  createdAt: true,
  expiresAt: true,
  endedAt: true,
  errorCode: true,
  errorMessage: true,
} satisfies Prisma.CloneSelect;

function toClone({
  errorCode,
  errorMessage,
  ...row
}: Prisma.CloneGetPayload<{ select: typeof cloneColumns }>): CloneRow {
  return {
    ...row,
    state: row.state as CloneState,
    target: row.target as Json,
    reached: row.reached as Json,
    error: errorCode === null ? null : { code: errorCode, message: errorMessage ?? errorCode },
  };
}
