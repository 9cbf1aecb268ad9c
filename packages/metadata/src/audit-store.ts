import { hashValue, newId } from "@tidemark/kit";
import type { Prisma, PrismaClient } from "./generated/client.ts";
import { type Json, toJsonColumn } from "./json.ts";
import { type Page, type PageRequest, readPage } from "./page.ts";

export interface NewAuditEvent {
  /** `user:<name>`, `token:<prefix>`, `worker:<id>` or `tidemark`. */
  readonly actor: string;
  /** The mutation or act: `takeBackup`, `login`, … */
  readonly action: string;
  readonly targetKind: string | null;
  readonly targetId: string | null;
  /** Never a secret. */
  readonly detail?: Json;
  /** `ok`, or the error's code. */
  readonly outcome: string;
}

export interface AuditEventRow extends NewAuditEvent {
  readonly id: string;
  /** 1, 2, 3 … without gaps. */
  readonly seq: bigint;
  readonly at: Date;
  readonly detail: Json;
  readonly previousHash: string;
  readonly hash: string;
}

export interface AuditStore {
  append(event: NewAuditEvent): Promise<AuditEventRow>;
  get(id: string): Promise<AuditEventRow | null>;
  /** Newest first. */
  list(page: PageRequest): Promise<Page<AuditEventRow>>;
  /** Recomputes the chain; names the first row that does not fit, or null. */
  verify(): Promise<{ readonly count: number; readonly brokenAtSeq: bigint | null }>;
}

const auditColumns = {
  id: true,
  seq: true,
  at: true,
  actor: true,
  action: true,
  targetKind: true,
  targetId: true,
  detail: true,
  outcome: true,
  previousHash: true,
  hash: true,
} satisfies Prisma.AuditEventSelect;

export function createAuditStore(prisma: PrismaClient): AuditStore {
  return {
    append: (event) => prisma.$transaction((tx) => appendAudit(tx, event)),
    get: async (id) => {
      const row = await prisma.auditEvent.findUnique({ where: { id }, select: auditColumns });
      return row === null ? null : toRow(row);
    },
    list: (page) =>
      readPage(
        page,
        {
          count: () => prisma.auditEvent.count(),
          find: (window) => prisma.auditEvent.findMany({ ...window, orderBy: { seq: "desc" }, select: auditColumns }),
        },
        toRow,
      ),
    verify: () => verifyChain(prisma),
  };
}

/** The lock's key: `audt` in ASCII. Held to the end of the transaction, so that each row sees the one before it. */
const auditLockKey = 0x61756474;

/** What the first row's `previousHash` is. */
const chainStart = "0".repeat(64);

/** Appends inside the caller's transaction, so that a change and its audit row exist together or not at all. */
export async function appendAudit(tx: Prisma.TransactionClient, event: NewAuditEvent): Promise<AuditEventRow> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(${auditLockKey}::bigint)`;
  const [now] = await tx.$queryRaw<{ at: Date }[]>`SELECT clock_timestamp()::timestamptz(3) AS at`;
  const last = await tx.auditEvent.findFirst({ orderBy: { seq: "desc" }, select: { seq: true, hash: true } });
  const row = {
    id: newId("audit"),
    seq: (last?.seq ?? 0n) + 1n,
    at: now?.at ?? new Date(Number.NaN),
    actor: event.actor,
    action: event.action,
    targetKind: event.targetKind,
    targetId: event.targetId,
    // As jsonb will give it back (undefined members gone), because the hash is computed again from that.
    detail: JSON.parse(JSON.stringify(event.detail ?? null)) as Json,
    outcome: event.outcome,
    previousHash: last?.hash ?? chainStart,
  };
  const data = { ...row, detail: toJsonColumn(row.detail), hash: hashOf(row) };
  return toRow(await tx.auditEvent.create({ data, select: auditColumns }));
}

/** SHA-256 over the row before and every column of this one. */
function hashOf(row: Omit<AuditEventRow, "hash">): string {
  const { id, seq, at, actor, action, targetKind, targetId, detail, outcome, previousHash } = row;
  return hashValue({ id, seq, at, actor, action, targetKind, targetId, detail, outcome, previousHash });
}

async function verifyChain(prisma: PrismaClient): Promise<{ count: number; brokenAtSeq: bigint | null }> {
  let previousHash = chainStart;
  let seq = 0n;
  for (;;) {
    // A page after another of a log of any length, not a query per row.
    const rows = await prisma.auditEvent.findMany({
      where: { seq: { gt: seq } },
      orderBy: { seq: "asc" },
      take: 1_000,
      select: auditColumns,
    });
    for (const row of rows.map(toRow)) {
      const fits = row.seq === seq + 1n && row.previousHash === previousHash && row.hash === hashOf(row);
      if (!fits) return { count: Number(seq), brokenAtSeq: row.seq };
      seq = row.seq;
      previousHash = row.hash;
    }
    if (rows.length === 0) return { count: Number(seq), brokenAtSeq: null };
  }
}

function toRow(columns: Prisma.AuditEventGetPayload<{ select: typeof auditColumns }>): AuditEventRow {
  return { ...columns, detail: columns.detail as Json };
}
