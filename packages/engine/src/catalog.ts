import type { Mark, MarkKind, ServerArea, StoredBackup } from "@tidemark/repository";

/** A backup with what its marks say; everything comes from the repository, nothing from a database. */
export interface CatalogEntry {
  readonly backup: StoredBackup;
  /** Why it cannot be trusted: the manifest is unreadable, or the last verification or drill found damage. */
  readonly damaged: string | null;
  readonly hold: Mark | null;
  readonly note: Mark | null;
  readonly verifiedAt: Date | null;
  readonly provenAt: Date | null;
}

/** Every backup of a server's area, oldest first. */
export async function listCatalog(area: ServerArea): Promise<readonly CatalogEntry[]> {
  const entries: CatalogEntry[] = [];
  for (const backup of await area.listBackups())
    entries.push(describeBackup(backup, await area.marks(backup.backupId)));
  return entries;
}

/**
 * What the marks say: the newest of each kind, and a release ends a hold. A later proof ends a `damaged`; a later verification
 * does so unless a drill made it: pages may be wrong although the stored bytes are what was stored.
 */
export function describeBackup(backup: StoredBackup, marks: readonly Mark[]): CatalogEntry {
  const newest = (kind: MarkKind) => marks.filter((mark) => mark.kind === kind).reduce<Mark | null>(later, null);
  const hold = newest("hold");
  const release = newest("release");
  const verified = newest("verified");
  const proven = newest("proven");
  const damage = marks
    .filter((mark) => mark.kind === "damaged" && !isLater(proven, mark))
    .filter((mark) => isFromDrill(mark) || !isLater(verified, mark))
    .reduce<Mark | null>(later, null);
  return {
    backup,
    damaged: backup.damaged ?? damage?.text ?? null,
    hold: isLater(release, hold) ? null : hold,
    note: newest("note"),
    verifiedAt: verified?.at ?? null,
    provenAt: proven?.at ?? null,
  };
}

/** How the text of a `damaged` mark begins that a drill made. In repositories of an older Tidemark it does not. */
export const drillDamagePrefix = "drill: ";

function isFromDrill(mark: Mark): boolean {
  return mark.text.startsWith(drillDamagePrefix);
}

/** Later by time; marks of one instant by their id, which sorts by creation. */
function later(left: Mark | null, right: Mark): Mark {
  if (left === null) return right;
  const difference = right.at.getTime() - left.at.getTime();
  return difference > 0 || (difference === 0 && right.markId > left.markId) ? right : left;
}

function isLater(candidate: Mark | null, than: Mark | null): boolean {
  return candidate !== null && than !== null && later(than, candidate) === candidate;
}
