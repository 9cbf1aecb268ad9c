import { formatBytes } from "@tidemark/kit";
import type { BackupWriter, BeginBackup, ServerArea } from "@tidemark/repository";
import type { ActControl } from "../act.ts";

/** What a new backup makes of packs that are there: those to leave empty, and those that interrupted backups left. */
export async function findStoredFrames(
  area: ServerArea,
  endedBackupIds: readonly string[],
  control: ActControl,
): Promise<Pick<BeginBackup, "evacuatePackIds" | "salvageFrom">> {
  const evacuatePackIds = await area.plannedEvacuation();
  if (evacuatePackIds.size > 0) {
    const message = `${evacuatePackIds.size} packs that are mostly dead are left empty: what they still hold is stored anew`;
    control.emit({ kind: "log", level: "info", message });
  }
  const interrupted = await area.interruptedBackups({ endedBackupIds });
  for (const { backupId, packs, storedBytes } of interrupted) {
    const message = `${backupId} was interrupted and left ${formatBytes(storedBytes)} in ${packs} packs: what is the same is not stored again`;
    control.emit({ kind: "log", level: "info", message });
  }
  return { evacuatePackIds, salvageFrom: interrupted.map(({ backupId }) => backupId) };
}

/** Says how much of what interrupted backups left was of use. To be called before the writer is given away. */
export function reportSalvage(writer: BackupWriter, salvageFrom: readonly string[], control: ActControl): void {
  if (salvageFrom.length === 0) return;
  const message = `${formatBytes(writer.salvagedBytes)} were found in what ${salvageFrom.join(", ")} had stored`;
  control.emit({ kind: "log", level: "info", message });
}
