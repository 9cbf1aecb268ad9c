import { AppError, newId } from "@tidemark/kit";
import { appendAudit } from "./audit-store.ts";
import { insertBackup } from "./backup-store.ts";
import type { Prisma, PrismaClient } from "./generated/client.ts";
import { claimKey, type RequestKey } from "./idempotency-store.ts";
import { plainJson } from "./json.ts";
import { runColumns, toRun } from "./run-columns.ts";
import type { CreatedRun, NewRun, Run } from "./run-store.ts";

/**
 * Everything that must exist together or not at all: the run, its backup's row, the schedule's mark, the audit row and
 * the answer under the idempotency key.
 */
export async function createRun(prisma: PrismaClient, wanted: NewRun): Promise<CreatedRun> {
  return await prisma.$transaction(async (tx) => {
    if (wanted.idempotency !== undefined) {
      const earlier = await earlierRun(tx, wanted.idempotency);
      if (earlier !== null) return { run: earlier, outcome: "replayed" };
    }
    const id = wanted.id ?? newId("run");
    if (!(await insertRun(tx, id, wanted)))
      return { run: await scheduledRun(tx, wanted), outcome: "already-scheduled" };
    await insertCompanions(tx, id, wanted);
    const run = await tx.run.findUniqueOrThrow({ where: { id }, select: runColumns });
    return { run: toRun(run), outcome: "created" };
  });
}

async function earlierRun(tx: Prisma.TransactionClient, key: RequestKey): Promise<Run | null> {
  const claim = await claimKey(tx, key);
  if (claim.kind === "new") return null;
  const { response } = claim;
  const runId = typeof response === "object" && response !== null && "runId" in response ? response.runId : undefined;
  const run = typeof runId === "string" ? await tx.run.findUnique({ where: { id: runId }, select: runColumns }) : null;
  if (run === null) {
    throw new AppError("idempotency-key-reused", {
      message: `the key "${key.key}" was used for a request of another kind`,
    });
  }
  return toRun(run);
}

/** False when this firing of the schedule has its run already. */
async function insertRun(tx: Prisma.TransactionClient, id: string, wanted: NewRun): Promise<boolean> {
  const { count } = await tx.run.createMany({
    data: [
      {
        id,
        kind: wanted.kind,
        request: plainJson(wanted.request),
        requestedBy: wanted.requestedBy,
        serverId: wanted.serverId ?? null,
        repositoryId: wanted.repositoryId ?? null,
        // The backup's row names the run, so it comes after it.
        backupId: wanted.backup === undefined ? (wanted.backupId ?? null) : null,
        scheduleId: wanted.schedule?.id ?? null,
        scheduledFor: wanted.schedule?.firedFor ?? null,
      },
    ],
    skipDuplicates: wanted.schedule !== undefined,
  });
  return count === 1;
}

async function insertCompanions(tx: Prisma.TransactionClient, runId: string, wanted: NewRun): Promise<void> {
  if (wanted.backup !== undefined) {
    await insertBackup(tx, wanted.backup, runId);
    await tx.run.update({ where: { id: runId }, data: { backupId: wanted.backup.id }, select: { id: true } });
  }
  if (wanted.schedule !== undefined) {
    await tx.$executeRaw`UPDATE schedule SET last_fired_at = GREATEST(last_fired_at, ${wanted.schedule.firedFor})
                          WHERE id = ${wanted.schedule.id}`;
  }
  if (wanted.idempotency !== undefined) {
    const { principal, key } = wanted.idempotency;
    await tx.idempotencyKey.update({
      where: { principal_key: { principal, key } },
      data: { response: { runId } },
      select: { key: true },
    });
  }
  // Last: it serialises with every other audit row until the commit.
  if (wanted.audit !== undefined) {
    await appendAudit(tx, {
      ...wanted.audit,
      targetKind: wanted.audit.targetKind ?? "run",
      targetId: wanted.audit.targetId ?? runId,
    });
  }
}

async function scheduledRun(tx: Prisma.TransactionClient, wanted: NewRun): Promise<Run> {
  const run = await tx.run.findFirstOrThrow({
    where: { scheduleId: wanted.schedule?.id ?? null, scheduledFor: wanted.schedule?.firedFor ?? null },
    select: runColumns,
  });
  return toRun(run);
}
