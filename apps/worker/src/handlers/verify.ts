import { listCatalog, type VerifyReport, type VerifyWalReport, verifyArea } from "@tidemark/engine";
import type { RunRequest, VerifyResult } from "@tidemark/jobs";
import { AppError } from "@tidemark/kit";
import type { Server, WalCoverageRow } from "@tidemark/metadata";
import type { ServerArea } from "@tidemark/repository";
import { coverageRow, mirrorCoverage } from "../describe-backup.ts";
import { withArea } from "../open-repository.ts";
import { requireServer } from "../open-server.ts";
import type { RunContext, RunHandler } from "../run-context.ts";
import { verifyArchivedWal } from "../verify-archived-wal.ts";
import type { WorkerDeps } from "../worker-deps.ts";

/**
 * Verifies one backup, or all that a server has in a repository, as deep as was asked. Damage found is a failed run with
 * a report, and a mark on each backup that is hit.
 */
export const verifyHandler: RunHandler<"verify"> = async (context) => {
  const { request, deps } = context;
  const server = await requireServer(deps, request.serverId);
  const repositoryId = verifiedRepositoryId(server, request);
  const isCopies = repositoryId !== server.repositoryId;
  const { report, wal } = await withArea(deps, { ...server, repositoryId }, async (area) => {
    const found = await verify(context, area);
    // Nothing disagrees where nothing is: of copies that somebody removed that must not read as success.
    if (found.backupIds.length === 0) throw nothingThere(server, isCopies);
    // Rows are about the first repository; what is verified of the copies is in the run and in their own repository.
    if (!isCopies) await mirrorReport(deps, server, area, found, request.backupId);
    // A backup's own WAL lies in its packs.
    return {
      report: found,
      wal: request.backupId === null ? await verifyArchivedWal(context, server, repositoryId, area) : null,
    };
  });
  const result = withWal(resultOf(report), wal, await walCoverageOf(deps, server.id, repositoryId));
  if (result.ok) return { kind: "done", result };
  if (report.ok) return { kind: "failed", result, error: walError(server, result) };
  const count = report.problemCount + (wal?.problemCount ?? 0);
  const message = `${count} problems were found; the first: ${result.problems[0] ?? "unknown"}`;
  const hint = isCopies
    ? `the copies are kept and marked; \`tidemark backup copy ${server.name} --heal\` brings anew what is damaged there`
    : "the backups are kept and marked; the next backup stores anew what is damaged here";
  return { kind: "failed", result, error: { code: "backup-damaged", message, hint } };
};

/** Throws `bad-request` for a repository the server's backups are not in (any more). */
function verifiedRepositoryId(server: Server, request: RunRequest<"verify">): string {
  const { repositoryId } = request;
  if (repositoryId === null || repositoryId === server.repositoryId) return server.repositoryId;
  if (repositoryId === server.copyToId) return repositoryId;
  throw new AppError("bad-request", {
    message: `neither the backups of ${server.name} nor their copies are in that repository`,
    hint: "nothing was read",
  });
}

function nothingThere(server: Server, isCopies: boolean): AppError {
  const message = `there is no ${isCopies ? "copy of a backup" : "backup"} of ${server.name} in that repository`;
  const next = isCopies ? `tidemark backup copy ${server.name}` : `tidemark backup create ${server.name}`;
  return new AppError("not-found", { message, hint: `\`${next}\` makes one` });
}

/** What was found of archived WAL beside what was found of the packs; nothing where there is none. */
function withWal(result: VerifyResult, wal: VerifyWalReport | null, coverage: WalCoverageRow | null): VerifyResult {
  if (wal === null || (wal.checkedSegments === 0 && wal.checkedFiles === 0 && wal.problemCount === 0)) return result;
  const sentences = wal.problems.map(({ sentence }) => sentence);
  return {
    ...result,
    ok: result.ok && wal.problemCount === 0,
    problems: [...result.problems, ...sentences].slice(0, problemsKept),
    healing: wal.problemCount === 0 ? result.healing : [...result.healing, ...walHealing],
    wal: {
      checkedSegments: wal.checkedSegments,
      checkedFiles: wal.checkedFiles,
      checkedBytes: String(wal.checkedBytes),
      problemCount: wal.problemCount,
      coverage: coverage === null ? null : walCoverageResult(coverage),
    },
  };
}

async function walCoverageOf(deps: WorkerDeps, serverId: string, repositoryId: string): Promise<WalCoverageRow | null> {
  const rows = await deps.metadata.wal.coverage([serverId]);
  return rows.find((row) => row.repositoryId === repositoryId) ?? null;
}

function walCoverageResult(row: WalCoverageRow): NonNullable<NonNullable<VerifyResult["wal"]>["coverage"]> {
  const { segments, verifiedSegments, damagedSegments, since } = row;
  return {
    ...{ segments, verifiedSegments, damagedSegments, since: since?.toISOString() ?? null },
    storedBytes: String(row.storedBytes),
    verifiedBytes: String(row.verifiedBytes),
  };
}

function walError(server: Server, { wal, problems }: VerifyResult) {
  const message = `${wal?.problemCount ?? 0} problems of archived WAL were found; the first: ${problems[0] ?? "unknown"}`;
  const hint = `what is damaged is no part of the recovery window any more; \`tidemark backup create ${server.name}\` begins it anew where nothing lies behind`;
  return { code: "wal-damaged" as const, message, hint };
}

const walHealing = [
  "archived WAL cannot be had from the server again: put back what is damaged from where it is sound (another repository, a snapshot of this one) and verify again, or take a backup, from whose end on everything can be recovered",
];

function verify({ run, request, control, deps }: RunContext<"verify">, area: ServerArea): Promise<VerifyReport> {
  const { backupId, tier, subset } = request;
  const backupIds = backupId === null ? null : [backupId];
  return verifyArea({ area, clock: deps.clock }, { backupIds, tier, subset, by: run.requestedBy }, control);
}

/** Brings the rows of a server's backups up to date with what a verification of them found. */
export async function mirrorReport(
  deps: WorkerDeps,
  server: Pick<Server, "id">,
  area: ServerArea,
  report: VerifyReport,
  backupId: string | null,
): Promise<void> {
  const { backups } = deps.metadata;
  const at = deps.clock.now();
  const known = new Set((await backups.ofServer(server.id)).map(({ id }) => id));
  const hit = new Set(report.hitBackupIds);
  if (backupId !== null) {
    await backups.update(backupId, { verification: { at: at.toISOString(), ...resultOf(report) } });
  }
  // Only a whole verification of every pack can say that a backup is sound; each can say that it is not.
  if (report.tier === "whole" && report.subset === null) {
    // And not of one whose pages a drill found wrong: that they are stored well says nothing of them.
    const catalog = await listCatalog(area);
    for (const id of report.backupIds) {
      if (hit.has(id) || !known.has(id)) continue;
      const damageDetail = catalog.find(({ backup }) => backup.backupId === id)?.damaged ?? null;
      await backups.update(id, { verifiedAt: at, damageDetail });
    }
  }
  // Others that share what is damaged are hit as well.
  for (const id of hit) {
    if (!known.has(id)) continue;
    const detail = report.problems.find(({ backupIds }) => backupIds.includes(id))?.sentence;
    await backups.update(id, { damageDetail: detail ?? "the verification found damage" });
  }
  await mirrorCoverage(deps, server.id, area);
}

function resultOf(report: VerifyReport): VerifyResult {
  return {
    checkedBackups: report.backupIds.length,
    ok: report.ok,
    checkedBytes: String(report.checkedBytes),
    checkedFiles: report.checkedFiles,
    problems: report.problems.slice(0, problemsKept).map((problem) => problem.sentence),
    tier: report.tier,
    subset: report.subset,
    checkedPacks: report.checkedPacks,
    hitBackupIds: [...report.hitBackupIds],
    healing: [...report.healing],
    coverage: coverageRow(report.coverage),
    wal: null,
  };
}

const problemsKept = 100;
