import { isRelationFile } from "@tidemark/postgres";
import { isEmptied, isLeftOut } from "./backup-rules.ts";
import { type ClusterFiles, type ListedEntry, rawPath, readablePath } from "./cluster-files.ts";

export interface TreeFolder {
  readonly kind: "folder";
  readonly path: string;
  readonly mode: number;
}

export interface TreeFile {
  readonly kind: "file";
  readonly path: string;
  readonly mode: number;
  readonly sizeBytes: number;
  readonly modifiedAt: Date;
}

export interface TreeOptions {
  readonly files: ClusterFiles;
  readonly major: number;
  readonly catalogVersion: number;
  readonly dataDirectoryMode: number;
  readonly blockSize: number;
  readonly tablespaces: readonly { readonly oid: number; readonly path: string }[];
  /** stats_temp_directory of 13 and 14, relative to the data directory; null when outside, later, or not to be read. */
  readonly statsFolder: string | null;
  /** Told what is passed over although it is there. */
  readonly onNote?: (note: string) => void;
}

export const controlFile = "global/pg_control";

/**
 * Everything of a cluster that belongs into a base backup, as it stands when each folder is reached: the data directory,
 * then the tablespaces. Without `global/pg_control`, which must be read last, and without WAL. Memory holds the listings
 * of the folders on the way down.
 */
export async function* walkTree(options: TreeOptions): AsyncGenerator<TreeFolder | TreeFile, void, undefined> {
  yield* walkFolder(options, "", 0);
  for (const { oid } of options.tablespaces) {
    // Other versions' folders may share a tablespace's place (pg_upgrade); only this one's is ours.
    const path = `pg_tblspc/${oid}/PG_${options.major}_${options.catalogVersion}`;
    yield { kind: "folder", path, mode: options.dataDirectoryMode };
    yield* walkFolder(options, path, 0);
  }
}

async function* walkFolder(
  options: TreeOptions,
  folder: string,
  depth: number,
): AsyncGenerator<TreeFolder | TreeFile, void, undefined> {
  const entries = await options.files.list(folder);
  if (entries === null) return;
  const names = new Set(entries.map(({ name }) => name));
  if (depth > 0 && isForeignTablespace(options, folder, names)) return;
  for (const entry of entries) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (path === controlFile || isLeftOut(folder, entry.name, names)) continue;
    yield* walkEntry(options, path, entry, depth);
  }
}

async function* walkEntry(
  options: TreeOptions,
  path: string,
  entry: ListedEntry,
  depth: number,
): AsyncGenerator<TreeFolder | TreeFile, void, undefined> {
  const { name, kind, mode, sizeBytes, modifiedAt } = entry;
  if (kind !== "file" && isBare(options, path, name)) {
    // A link to one of these is sent as the folder it stands for (basebackup.c, convert_link_to_directory).
    yield { kind: "folder", path, mode: kind === "folder" ? mode : options.dataDirectoryMode };
    for (const inner of path === "pg_wal" ? walFolders(options.major) : []) {
      yield { kind: "folder", path: `pg_wal/${inner}`, mode: options.dataDirectoryMode };
    }
  } else if (kind === "file") {
    yield { kind, path, mode, sizeBytes: wholePages(options, path, sizeBytes), modifiedAt };
  } else if (kind === "folder") {
    yield { kind, path, mode };
    if (path === "pg_tblspc") return;
    if (depth < deepestFolder) yield* walkFolder(options, path, depth + 1);
    else options.onNote?.(`${readablePath(path)} was left out: folders lie ${deepestFolder} deep there`);
  } else {
    options.onNote?.(`${readablePath(path)} was left out: it is neither a file nor a folder`);
  }
}

/** A relation that grows just now may show part of a page, which nobody reads: its WAL brings the whole one. */
function wholePages({ blockSize }: TreeOptions, path: string, sizeBytes: number): number {
  return isRelationFile(readablePath(path)) ? sizeBytes - (sizeBytes % blockSize) : sizeBytes;
}

function isBare({ statsFolder }: TreeOptions, path: string, name: string): boolean {
  return path === "pg_wal" || isEmptied(path, name, statsFolder);
}

/** pg_wal/summaries came with 17. */
function walFolders(major: number): readonly string[] {
  return major >= 17 ? ["archive_status", "summaries"] : ["archive_status"];
}

/** A tablespace that was made inside the data directory is reached by its OID, and not twice. */
function isForeignTablespace(options: TreeOptions, folder: string, names: ReadonlySet<string>): boolean {
  if (!names.has(`PG_${options.major}_${options.catalogVersion}`)) return false;
  return options.tablespaces.some(({ path }) => rawPath(path).replace(/\/+$/, "").endsWith(`/${folder}`));
}

/** PostgreSQL's own tree is four folders deep; a link that leads back to its own folder would never end. */
const deepestFolder = 32;
