import {
  executeCopies,
  type HealReport,
  healPacks,
  listCatalog,
  planCopies,
  type VerifyReport,
  verifyArea,
} from "@tidemark/engine";
import type { CopyResult } from "@tidemark/jobs";
import { AppError, formatBytes } from "@tidemark/kit";
import type { Server } from "@tidemark/metadata";
import type { ServerArea } from "@tidemark/repository";
import { noteCopies } from "../note-copies.ts";
import { openRegisteredRepository, withArea } from "../open-repository.ts";
import { requireServer } from "../open-server.ts";
import { refreshServerFindings } from "../refresh-findings.ts";
import type { RunContext, RunHandler } from "../run-context.ts";
import { startRun } from "../start-run.ts";
import { copyServerWal } from "../wal/copy-wal-run.ts";
import type { WorkerDeps } from "../worker-deps.ts";
import { mirrorReport } from "./verify.ts";

/** Brings a server's backups to its second repository, and notes which are there. What could not be copied fails the run. */
export const copyHandler: RunHandler<"copy"> = async (context) => {
  const { request, deps } = context;
  const server = await requireServer(deps, request.serverId);
  if (server.copyToId === null) {
    throw new AppError("bad-request", {
      message: `${server.name} has no second repository`,
      hint: "say which one its backups are copied to first",
    });
  }
  const second = await openRegisteredRepository(deps, server.copyToId);
  let result: CopyResult;
  try {
    const target = second.area(server.areaId);
    result = await withArea(deps, server, (source) => copy(context, server, { source, target }));
  } finally {
    await second.close();
    await refreshServerFindings(deps, [server.id]);
  }
  const [first] = result.failed;
  if (first === undefined) return { kind: "done", result };
  const message = result.failed.length === 1 ? first : `${result.failed.length} things failed, the first: ${first}`;
  const hint = "the others are in the second repository; the next backup stores anew what was lost";
  return { kind: "failed", error: { code: "backup-damaged", message, hint }, result };
};

async function copy(
  context: RunContext<"copy">,
  server: Server & { readonly copyToId: string | null },
  areas: { readonly source: ServerArea; readonly target: ServerArea },
): Promise<CopyResult> {
  const { request, control, deps } = context;
  const repositoryId = server.copyToId ?? "";
  const about = { serverId: server.id, repositoryId };
  const acts = { ...areas, clock: deps.clock };
  try {
    const heal = { damaged: areas.source, copies: areas.target, clock: deps.clock };
    const healed = request.heal ? await healPacks(heal, control) : null;
    if (healed !== null) {
      const report = await verifyDamaged(context, areas.source);
      if (report !== null) await mirrorReport(deps, server, areas.source, report, null);
    }
    const mended = request.heal ? await healCopies(context, areas) : null;
    await noteCopies(deps, about, areas.target);
    // One that is asked for by name is copied although it was deleted there once.
    const skipIds = request.backupId === null ? await droppedIds(deps, about, areas.target) : [];
    const maxRateKib = server.copyMaxRateKib ?? deps.settings.copyMaxRateKib;
    const plan = await planCopies(acts, { backupId: request.backupId, skipIds, maxRateKib });
    const report = await executeCopies(acts, plan, control);
    const wal = await copyServerWal(deps, server, areas, control, maxRateKib);
    const segments = wal.segments === 0 ? "" : ` and ${wal.segments} WAL segments, ${formatBytes(wal.bytes)}`;
    control.emit({
      kind: "log",
      level: "info",
      message: `${report.copiedIds.length} backups copied, ${formatBytes(report.copiedBytes)}${segments}`,
    });
    return {
      copied: [...report.copiedIds],
      failed: [
        ...(healed?.lost ?? []),
        ...(mended?.lost ?? []),
        ...report.failed.map(({ backupId, reason }) => `${backupId}: ${reason}`),
        ...wal.failed,
      ],
      copiedPacks: report.copiedPacks,
      copiedBytes: String(report.copiedBytes + wal.bytes),
      copiedWalSegments: wal.segments,
      replacedPacks: [...(mended?.healedPacks ?? []), ...report.replacedPacks],
      copiedMarks: report.copiedMarks,
      healedPacks: [...(healed?.healedPacks ?? [])],
    };
  } finally {
    await noteCopies(deps, about, areas.target);
  }
}

/**
 * What was healed is still marked as damaged: only reading it shows that it is whole again, and a backup with such a mark
 * is not copied.
 */
async function verifyDamaged(
  { run, control, deps }: RunContext<"copy">,
  area: ServerArea,
): Promise<VerifyReport | null> {
  const backupIds = await markedIds(area);
  if (backupIds.length === 0) return null;
  const how = { backupIds, tier: "whole" as const, subset: null, by: run.requestedBy };
  return await verifyArea({ area, clock: deps.clock }, how, control);
}

/**
 * Copies that a verification found damaged are brought anew: to a copy they look whole, since it compares which packs are
 * there and not what is in them.
 */
async function healCopies(
  context: RunContext<"copy">,
  { source, target }: { readonly source: ServerArea; readonly target: ServerArea },
): Promise<HealReport | null> {
  if ((await markedIds(target)).length === 0) return null;
  const report = await healPacks({ damaged: target, copies: source, clock: context.deps.clock }, context.control);
  await verifyDamaged(context, target);
  return report;
}

/** Backups whose manifest can be read and that are marked as damaged. */
async function markedIds(area: ServerArea): Promise<readonly string[]> {
  const marked = (await listCatalog(area)).filter((entry) => entry.damaged !== null && entry.backup.damaged === null);
  return marked.map(({ backup }) => backup.backupId);
}

/** Copies that were deleted there on purpose. One that is listed there and cannot be read was not: it is mended. */
async function droppedIds(
  deps: WorkerDeps,
  { serverId, repositoryId }: { readonly serverId: string; readonly repositoryId: string },
  target: ServerArea,
): Promise<readonly string[]> {
  const listed = new Set((await target.listBackups()).map(({ backupId }) => backupId));
  const rows = await deps.metadata.copies.ofServers([serverId]);
  return rows
    .filter((row) => row.repositoryId === repositoryId && row.goneAt !== null && !listed.has(row.backupId))
    .map(({ backupId }) => backupId);
}

/** After each backup, once, whoever asks again. A copy that cannot be started fails no backup: the next one brings both. */
export async function copyAfter(
  deps: Pick<WorkerDeps, "metadata" | "queues" | "logger">,
  server: Pick<Server, "id" | "copyToId" | "repositoryId">,
  backupId: string,
): Promise<void> {
  if (server.copyToId === null) return;
  try {
    await startRun(deps, {
      kind: "copy",
      serverId: server.id,
      repositoryId: server.copyToId,
      requestedBy: "tidemark",
      request: { serverId: server.id, backupId: null, heal: false },
      idempotency: { principal: "tidemark", key: `copy-after ${backupId}`, requestHash: backupId },
    });
  } catch (error) {
    deps.logger.error({ err: error, backupId }, "the copy that should follow a backup could not be started");
  }
}
