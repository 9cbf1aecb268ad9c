import type { Prisma, PrismaClient } from "./generated/client.ts";
import type { Json } from "./json.ts";

/** What a server last told of itself. Parse `document` and `checks` with packages/jobs. */
export interface ServerSnapshotRow {
  readonly serverId: string;
  readonly observedAt: Date;
  /** A `ServerSnapshotDocument`. */
  readonly document: Json;
  /** An array of `ServerCheckResult`, the good ones too; one that was asked alone is newer than `observedAt`. */
  readonly checks: Json;
}

export interface NewSnapshot {
  readonly observedAt: Date;
  readonly document: unknown;
  readonly checks: readonly unknown[];
}

/** One row per server, the newest inspection's: an older one that ends later changes nothing. */
export async function recordSnapshot(prisma: PrismaClient, serverId: string, snapshot: NewSnapshot): Promise<boolean> {
  const { observedAt, document, checks } = snapshot;
  const recorded = await prisma.$executeRaw`
    INSERT INTO server_snapshot (server_id, observed_at, document, checks)
    SELECT id, ${observedAt}, ${JSON.stringify(document)}::jsonb, ${JSON.stringify(checks)}::jsonb
      FROM server WHERE id = ${serverId} AND removed_at IS NULL
    ON CONFLICT (server_id) DO UPDATE
       SET observed_at = excluded.observed_at, document = excluded.document, checks = excluded.checks
     WHERE server_snapshot.observed_at <= excluded.observed_at`;
  return recorded === 1;
}

/** Each check takes the place of the one with its id; one that is new goes to the end. */
export async function recordChecks(
  prisma: PrismaClient,
  serverId: string,
  checks: readonly unknown[],
): Promise<boolean> {
  const recorded = await prisma.$executeRaw`
    UPDATE server_snapshot AS snapshot
       SET checks = (
         SELECT COALESCE(jsonb_agg(COALESCE(new.body, old.body) ORDER BY old.place NULLS LAST, new.place), '[]'::jsonb)
           FROM jsonb_array_elements(snapshot.checks) WITH ORDINALITY AS old(body, place)
           FULL JOIN jsonb_array_elements(${JSON.stringify(checks)}::jsonb) WITH ORDINALITY AS new(body, place)
             ON new.body ->> 'id' = old.body ->> 'id')
     WHERE server_id = ${serverId}`;
  return recorded === 1;
}

export async function findSnapshots(
  prisma: PrismaClient,
  serverIds: readonly string[],
): Promise<readonly ServerSnapshotRow[]> {
  const rows = await prisma.serverSnapshot.findMany({
    where: { serverId: { in: [...serverIds] } },
    select: snapshotColumns,
  });
  return rows.map((row) => ({ ...row, document: row.document as Json, checks: row.checks as Json }));
}

const snapshotColumns = {
  serverId: true,
  observedAt: true,
  document: true,
  checks: true,
} satisfies Prisma.ServerSnapshotSelect;
