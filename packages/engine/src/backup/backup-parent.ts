import { AppError } from "@tidemark/kit";
import type { BackupFacts, Mark, ServerArea } from "@tidemark/repository";
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
  /** Of that backup. */
  readonly facts: BackupFacts | null;
  /** Why there is none, as a sentence; empty when there is one. */
  readonly whyNone: string;
  /**
   * Why its pages are not to be taken over unread although every pack is sound, as a sentence: a drill proved pages of this
   * or of one before it wrong, back to the last that read everything. What is read and found the same may still be referenced.
   */
  readonly distrust: string | null;
  /** Nothing was ever backed up here. */
  readonly isFirst: boolean;
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
  const catalog: (CatalogEntry & { readonly wrong: string | null })[] = [];
  for (const backup of await area.listBackups()) {
    const marks = await area.marks(backup.backupId);
    for (const packId of damagedPacks(marks)) avoidPackIds.add(packId);
    catalog.push({ ...describeBackup(backup, marks), wrong: provedWrong(marks) });
  }
  // Marks name a bounded number of packs; what verifications noted of each pack is complete.
  for (const { packId, damage } of await area.verifications()) if (damage !== null) avoidPackIds.add(packId);
  const known = catalog.flatMap(({ backup, damaged, wrong }) =>
    backup.facts === null ? [] : [{ backupId: backup.backupId, facts: backup.facts, damaged, wrong }],
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
  const whyNone = parent === undefined ? sayWhyNone(newest?.facts, cluster) : "";
  return {
    parentId: parent?.backupId ?? null,
    facts: parent?.facts ?? null,
    whyNone,
    distrust: sayWhyDistrusted(known.filter(({ facts }) => facts.systemIdentifier === cluster.systemIdentifier)),
    isFirst: newest === undefined,
    avoidPackIds,
  };
}

function sayWhyNone(newest: BackupFacts | undefined, cluster: ClusterIdentity): string {
  if (newest === undefined) return "there is no backup to build on yet";
  if (newest.systemIdentifier !== cluster.systemIdentifier) {
    return `the server is another cluster than before: its system identifier was ${newest.systemIdentifier} and is ${cluster.systemIdentifier}`;
  }
  if (newest.blockSize !== cluster.blockSize) {
    return `the server's block size was ${newest.blockSize} and is ${cluster.blockSize}`;
  }
  return "every earlier backup is damaged";
}

interface JudgedBackup {
  readonly backupId: string;
  readonly facts: BackupFacts;
  readonly wrong: string | null;
}

/** Of the cluster's backups, newest first. Which of an incremental's pages came from the one before it nobody knows. */
function sayWhyDistrusted(backups: readonly JudgedBackup[]): string | null {
  for (const { backupId, facts, wrong } of backups) {
    if (wrong !== null) return `backup ${backupId} was found to hold wrong pages (${wrong})`;
    if (facts.reading?.kind !== "incremental") return null;
  }
  return null;
}

/**
 * What a drill found, unless a later one found otherwise; a verification cannot, since it knows only what was stored. Damage
 * to packs is not meant: those are avoided by their ids.
 */
function provedWrong(marks: readonly Mark[]): string | null {
  const found = marks.filter((mark) => mark.kind === "damaged" && packsNamedBy(mark).length === 0);
  const latest = Math.max(...found.map(({ at }) => at.getTime()));
  if (marks.some((mark) => mark.kind === "proven" && mark.at.getTime() > latest)) return null;
  return found.find(({ at }) => at.getTime() === latest)?.text ?? null;
}

/** The packs `damaged` marks name (`verifyBackup` writes them into its text). */
function damagedPacks(marks: readonly Mark[]): readonly string[] {
  return marks.filter((mark) => mark.kind === "damaged").flatMap(packsNamedBy);
}

function packsNamedBy({ text }: Mark): readonly string[] {
  return text.match(/\bpck_[0-9a-z]{26}\b/g) ?? [];
}
