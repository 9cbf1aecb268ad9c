import type { BackupChange } from "@tidemark/metadata";
import type { Mark } from "@tidemark/repository";
import { withArea } from "../open-repository.ts";
import { requireServer } from "../open-server.ts";
import type { RunHandler } from "../run-context.ts";

/** Writes a hold, its release or a note beside the backup; the row mirrors it afterwards. */
export const markHandler: RunHandler<"mark"> = async ({ request, control, deps }) => {
  const server = await requireServer(deps, request.serverId);
  control.emit({ kind: "phase", phase: "marking", message: `writing a ${request.kind} into the repository` });
  const mark = await withArea(deps, server, async (area) => {
    // A backup that is gone gets no mark: the manifest must be there.
    await area.openManifest(request.backupId);
    return await area.addMark(request.backupId, {
      kind: request.kind,
      text: request.text,
      by: request.by,
      at: deps.clock.now(),
    });
  });
  await deps.metadata.backups.update(request.backupId, changeOf(mark));
  return { kind: "done", result: { markId: mark.markId } };
};

function changeOf(mark: Mark): BackupChange {
  switch (mark.kind) {
    case "hold":
      return { hold: { by: mark.by, at: mark.at, reason: mark.text } };
    case "release":
      return { hold: null };
    default:
      return { note: mark.text === "" ? null : mark.text };
  }
}
