import { type FindingSubject, recordFindings, type SeenFinding } from "./finding-store.ts";
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

/** What one look at a server brought. */
export interface NewLook {
  /** `InstanceStore.now` from before the server was asked: looks that overlap are told apart by it. */
  readonly observedAt: Date;
  /** Null when only some checks were asked: what else is known stays. */
  readonly document: unknown;
  readonly checks: readonly { readonly id: string }[];
  /** The ids of the checks that were answered, and what they found. */
  readonly findings: { readonly checked: readonly string[]; readonly seen: readonly SeenFinding[] };
}

/**
 * Keeps a look, but for what a look that began later has told already: of the snapshot as a whole, of each check and its
 * finding by itself. One look at a time (the server's row is locked), so that findings and checks never disagree.
 * False for a server that was removed: its findings were resolved for good.
 */
export async function recordLook(prisma: PrismaClient, serverId: string, look: NewLook): Promise<boolean> {
  return await prisma.$transaction(async (tx) => {
    const locked = await tx.$queryRaw<unknown[]>`
      SELECT id FROM server WHERE id = ${serverId} AND removed_at IS NULL FOR NO KEY UPDATE`;
    if (locked.length === 0) return false;
    const row = await tx.serverSnapshot.findUnique({ where: { serverId }, select: snapshotColumns });
    const known = (row?.checks ?? []) as unknown as readonly KnownCheck[];
    const isStale = isOlderThan(known, look.observedAt);
    await writeSnapshot(tx, serverId, look, row, mergeChecks(known, look, row));
    const subject: FindingSubject = { kind: "server", serverId };
    const checked = look.findings.checked.filter((id) => !isStale(id));
    const seen = look.findings.seen.filter(({ checkId }) => !isStale(checkId));
    await recordFindings(tx, subject, checked, seen);
    return true;
  });
}

/** A check as the row keeps it: with when its look began (ISO), which readers leave out. */
interface KnownCheck {
  readonly id: string;
  readonly observedAt?: string;
}

/** Whether a check is known from a later look already. */
function isOlderThan(known: readonly KnownCheck[], observedAt: Date): (id: string) => boolean {
  const seenAt = new Map(known.map((check) => [check.id, Date.parse(check.observedAt ?? "") || 0]));
  return (id) => (seenAt.get(id) ?? 0) > observedAt.getTime();
}

/** A whole look's own order; else each check in its old place, and one that is new at the end. */
function mergeChecks(known: readonly KnownCheck[], look: NewLook, row: SnapshotTime | null): readonly KnownCheck[] {
  const isStale = isOlderThan(known, look.observedAt);
  const before = new Map(known.map((check) => [check.id, check]));
  const observedAt = look.observedAt.toISOString();
  const merged = look.checks.map((check) =>
    isStale(check.id) ? (before.get(check.id) as KnownCheck) : { ...check, observedAt },
  );
  if (isNewest(look, row)) return merged;
  const after = new Map(merged.map((check) => [check.id, check]));
  const added = merged.filter((check) => !before.has(check.id));
  return [...known.map((check) => after.get(check.id) ?? check), ...added];
}

type SnapshotTime = Pick<ServerSnapshotRow, "observedAt">;

/** Whether it brings the snapshot itself. */
function isNewest(look: NewLook, row: SnapshotTime | null): boolean {
  return look.document !== null && (row === null || row.observedAt <= look.observedAt);
}

async function writeSnapshot(
  tx: Prisma.TransactionClient,
  serverId: string,
  look: NewLook,
  row: SnapshotTime | null,
  checks: readonly KnownCheck[],
): Promise<void> {
  const whole = { observedAt: look.observedAt, document: look.document as Prisma.InputJsonValue };
  const stored = { checks: checks as unknown as Prisma.InputJsonValue };
  const select = { serverId: true } as const;
  if (isNewest(look, row)) {
    const all = { ...whole, ...stored };
    await tx.serverSnapshot.upsert({ where: { serverId }, create: { serverId, ...all }, update: all, select });
  } else if (row !== null) {
    // Checks of a server that was never inspected have no place but their findings.
    await tx.serverSnapshot.update({ where: { serverId }, data: stored, select });
  }
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
