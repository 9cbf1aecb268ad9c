import { type ActControl, executeExpiry, listCatalog, planExpiry } from "@tidemark/engine";
import { AppError, describeError, joinCleanup } from "@tidemark/kit";
import type { Server } from "@tidemark/metadata";
import type { RetentionPolicy } from "@tidemark/policy";
import { copyMarks, type ServerArea } from "@tidemark/repository";
import { collectIn } from "./handlers/collect.ts";
import { noteCopies } from "./note-copies.ts";
import { openRegisteredRepository, withArea } from "./open-repository.ts";
import { retainWal } from "./wal/retain-wal.ts";
import type { WorkerDeps } from "./worker-deps.ts";

/**
 * Applies the server's policy to the copies in its second repository as well, by what that repository itself holds: it
 * keeps its own newest usable backup, its newest one that was proven in the first, and what is held there. Holds that were put since the last copy are brought first.
 * A second repository that is away now is retained the next time, and fails nothing.
 */
export async function retainCopies(
  deps: WorkerDeps,
  server: Server,
  policy: RetentionPolicy,
  control: ActControl,
): Promise<void> {
  const { copyToId } = server;
  if (copyToId === null) return;
  try {
    const repository = await openRegisteredRepository(deps, copyToId);
    try {
      const area = repository.area(server.areaId);
      const provenIds = await withArea(deps, server, async (source) => {
        await bringHolds(source, area);
        return await readProven(source);
      });
      const expiry = { area, clock: deps.clock, provenIds };
      control.emit({ kind: "phase", phase: "copies", message: "applying the policy to the second repository" });
      const about = { serverId: server.id, repositoryId: copyToId };
      // What was lost there before is no deletion of ours.
      await noteCopies(deps, about, area);
      const plan = await planExpiry(expiry, policy);
      const plannedIds = plan.retention.deleted.map(({ backupId }) => backupId);
      // However far it came: what is gone went on purpose, and the next copy must not bring it again.
      const noteDeleted = () => noteCopies(deps, about, area, plannedIds);
      try {
        await executeExpiry(expiry, plan, control);
      } catch (error) {
        const joined = await joinCleanup(error, noteDeleted);
        // A place that went away in the middle cannot be looked at either: the first error says so.
        throw joined instanceof AggregateError && error instanceof AppError ? error : joined;
      }
      await noteDeleted();
      await retainWal(deps, { server, repositoryId: copyToId, area }, policy, control);
      await collectIn(deps, server, area, control);
    } finally {
      await repository.close();
    }
  } catch (error) {
    if (!(error instanceof AppError) || control.signal.aborted) throw error;
    const { message } = describeError(error);
    control.emit({ kind: "log", level: "warning", message: `the second repository was not retained: ${message}` });
  }
}

/** Before anything is deleted there: a hold that nobody copied yet must keep the copy, too. */
async function bringHolds(source: ServerArea, target: ServerArea): Promise<void> {
  const here = new Set((await source.listBackups()).map(({ backupId }) => backupId));
  for (const { backupId } of await target.listBackups()) {
    if (here.has(backupId)) await copyMarks(source, target, backupId);
  }
}

/** A drill of the first proves its copies, too: they hold the same bytes, by the same checksums. */
async function readProven(source: ServerArea): Promise<ReadonlySet<string>> {
  const proven = (await listCatalog(source)).filter(({ provenAt }) => provenAt !== null);
  return new Set(proven.map(({ backup }) => backup.backupId));
}
