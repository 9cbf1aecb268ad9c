import { listCatalog, type VerifyReport, verifyArea } from "@tidemark/engine";
import type { RunRequest, VerifyResult } from "@tidemark/jobs";
import { AppError } from "@tidemark/kit";
import type { Server } from "@tidemark/metadata";
import type { ServerArea } from "@tidemark/repository";
import { coverageRow, mirrorCoverage } from "../describe-backup.ts";
import { withArea } from "../open-repository.ts";
import { requireServer } from "../open-server.ts";
import type { RunContext, RunHandler } from "../run-context.ts";
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
  const report = await withArea(deps, { ...server, repositoryId }, async (area) => {
    const found = await verify(context, area);
    // Nothing disagrees where nothing is: of copies that somebody removed that must not read as success.
    if (found.backupIds.length === 0) throw nothingThere(server, isCopies);
    // Rows are about the first repository; what is verified of the copies is in the run and in their own repository.
    if (!isCopies) await mirrorReport(deps, server, area, found, request.backupId);
    return found;
  });
  const result = resultOf(report);
  if (report.ok) return { kind: "done", result };
  const message = `${report.problemCount} problems were found; the first: ${report.problems[0]?.sentence ?? "unknown"}`;
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
  };
}

const problemsKept = 100;
