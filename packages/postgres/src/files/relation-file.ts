/** What the path of a relation's file says. */
export interface RelationFile {
  readonly fork: "main" | "fsm" | "vm" | "init";
  /** Which piece of the relation: files are cut at `relseg_size` blocks (1 GiB), `.1`, `.2` and so on. */
  readonly segmentNumber: number;
}

/**
 * Tells whether a path of a backup (relative to the data directory) names pages of a relation, the way
 * src/backend/backup/basebackup.c does: in `base/<db>`, `global` or a tablespace, and named by a relfilenumber.
 */
export function parseRelationPath(path: string): RelationFile | null {
  const slash = path.lastIndexOf("/");
  if (slash === -1 || !relationFolder.test(path.slice(0, slash))) return null;
  const match = relationName.exec(path.slice(slash + 1));
  if (match === null) return null;
  return {
    fork: (match[1] ?? "main") as RelationFile["fork"],
    segmentNumber: match[2] === undefined ? 0 : Number(match[2]),
  };
}

export function isRelationFile(path: string): boolean {
  return parseRelationPath(path) !== null;
}

/** Which relation a file belongs to, as WAL names it (RelFileLocator, src/include/storage/relfilelocator.h). */
export interface RelationPlace extends RelationFile {
  readonly tablespaceOid: number;
  /** 0 for shared relations. */
  readonly databaseOid: number;
  readonly relfilenode: number;
}

/** Whose pages a path of a backup names; null for what `parseRelationPath` takes for no relation. */
export function locateRelation(path: string): RelationPlace | null {
  const file = parseRelationPath(path);
  const match = relationPlace.exec(path);
  if (file === null || match === null) return null;
  const [, baseDatabase, tablespace, database, relfilenode] = match;
  if (baseDatabase !== undefined) return { ...file, ...place(defaultTablespace, baseDatabase, relfilenode) };
  if (tablespace !== undefined) return { ...file, ...place(Number(tablespace), database, relfilenode) };
  return { ...file, ...place(globalTablespace, "0", relfilenode) };
}

function place(tablespaceOid: number, database: string | undefined, relfilenode: string | undefined) {
  return { tablespaceOid, databaseOid: Number(database), relfilenode: Number(relfilenode) };
}

const relationPlace = /^(?:global|base\/(\d+)|pg_tblspc\/(\d+)\/PG_\d+_\d+\/(\d+))\/(\d+)[^/]*$/;
/** DEFAULTTABLESPACE_OID and GLOBALTABLESPACE_OID (src/include/catalog/pg_tablespace.dat). */
const defaultTablespace = 1663;
const globalTablespace = 1664;

/**
 * The number, within its relation, of the file's first block; what the page checksum of its pages is mixed with.
 * `blocksPerSegment` is relseg_size, 131,072 in every usual build.
 */
export function firstBlockOfFile(path: string, blocksPerSegment = 131_072): number {
  return (parseRelationPath(path)?.segmentNumber ?? 0) * blocksPerSegment;
}

const relationFolder = /^(?:global|base\/\d+|pg_tblspc\/\d+\/PG_\d+_\d+\/\d+)$/;
const relationName = /^[1-9]\d*(?:_(fsm|vm|init))?(?:\.([1-9]\d*))?$/;
