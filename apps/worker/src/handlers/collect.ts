import { type ActControl, collectGarbage } from "@tidemark/engine";
import type { Server } from "@tidemark/metadata";
import type { CollectionReport, ServerArea } from "@tidemark/repository";
import { withArea } from "../open-repository.ts";
import { requireServer } from "../open-server.ts";
import type { RunHandler } from "../run-context.ts";
import type { WorkerDeps } from "../worker-deps.ts";

/** Removes packs that no backup needs any more; marks those seen for the first time. */
export const collectHandler: RunHandler<"collect"> = async ({ request, control, deps }) => {
  const server = await requireServer(deps, request.serverId);
  const report = await withArea(deps, server, (area) => collectIn(deps, server, area, control));
  return {
    kind: "done",
    result: { marked: report.marked, removedPacks: report.removedPacks, freedBytes: String(report.freedBytes) },
  };
};

/** The collection as retention and deletion end with it, too. */
export async function collectIn(
  deps: WorkerDeps,
  server: Server,
  area: ServerArea,
  control: ActControl,
): Promise<CollectionReport> {
  const running = (await deps.metadata.backups.ofServer(server.id)).filter((backup) => backup.state === "running");
  const request = { graceMs: deps.settings.collectionGraceMs, runningBackupIds: running.map((backup) => backup.id) };
  return await collectGarbage({ area, clock: deps.clock }, request, control);
}
