import { AppError } from "@tidemark/kit";
import type { Mark, ServerArea } from "@tidemark/repository";
import { type CatalogEntry, describeBackup } from "../catalog.ts";

/** The cluster a backup is about to be taken of. */
export interface ClusterIdentity {
  readonly systemIdentifier: bigint;
  readonly blockSize: number;
}

/** What a new backup builds on. */
export interface BackupParent {
  /** Newest usable backup of the same cluster; null stores everything anew. */
  readonly parentId: string | null;
  /** Packs in which damage was found: nothing in them is referenced again. */
  readonly avoidPackIds: ReadonlySet<string>;
}

/**
 * Chooses the parent. Throws `system-identifier-changed` when the newest backup of the area is of another cluster,
 * unless the change was confirmed: a restored copy or a new initdb behind the same address must not go unnoticed.
 */
export async function chooseParent(
  area: ServerArea,
  cluster: ClusterIdentity,
  changeConfirmed: boolean,
): Promise<BackupParent> {
  const avoidPackIds = new Set<string>();
  const catalog: CatalogEntry[] = [];
  for (const backup of await area.listBackups()) {
    const marks = await area.marks(backup.backupId);
    for (const packId of damagedPacks(marks)) avoidPackIds.add(packId);
    catalog.push(describeBackup(backup, marks));
  }
  const known = catalog.flatMap(({ backup, damaged }) =>
    backup.facts === null ? [] : [{ backupId: backup.backupId, facts: backup.facts, damaged }],
  );
  known.sort((left, right) => right.facts.startedAt.getTime() - left.facts.startedAt.getTime());
  const newest = known[0];
  if (newest !== undefined && newest.facts.systemIdentifier !== cluster.systemIdentifier && !changeConfirmed) {
    throw new AppError("system-identifier-changed", {
      message: `the server is another cluster now: its system identifier is ${cluster.systemIdentifier}, that of its last backup ${newest.facts.systemIdentifier}`,
      hint: "nothing was stored; if it was upgraded or made anew on purpose, confirm the change, otherwise check the address",
      context: { found: cluster.systemIdentifier, expected: newest.facts.systemIdentifier },
    });
  }
  const parent = known.find(
    ({ facts, damaged }) =>
      damaged === null && facts.systemIdentifier === cluster.systemIdentifier && facts.blockSize === cluster.blockSize,
  );
  return { parentId: parent?.backupId ?? null, avoidPackIds };
}

/** The packs a `damaged` mark names (`verifyBackup` writes them into its text). */
function damagedPacks(marks: readonly Mark[]): readonly string[] {
  return marks
    .filter((mark) => mark.kind === "damaged")
    .flatMap((mark) => mark.text.match(/\bpck_[0-9a-z]{26}\b/g) ?? []);
}
