import { AppError } from "@tidemark/kit";

export interface TablespaceMapEntry {
  readonly oid: number;
  /** Bytes of the server's file system, which need not be UTF-8. */
  readonly path: Uint8Array;
}

/**
 * Parses `tablespace_map`: one `<oid> <path>` a line; line feed, carriage return and backslash inside a path are
 * escaped with a backslash (src/backend/access/transam/xlog.c, do_pg_backup_start and read_tablespace_map).
 *
 * @throws AppError `backup-stream-damaged`.
 */
export function parseTablespaceMap(bytes: Uint8Array): TablespaceMapEntry[] {
  const entries: TablespaceMapEntry[] = [];
  let line: number[] = [];
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte === backslash && at + 1 < bytes.length) {
      at++;
      line.push(bytes[at] as number);
    } else if (byte === lineFeed || byte === carriageReturn) {
      if (line.length > 0) entries.push(parseLine(line));
      line = [];
    } else {
      line.push(byte);
    }
  }
  if (line.length > 0) throw damaged("its last line has no end");
  return entries;
}

/** The file recovery reads to make the links below pg_tblspc; the way to put tablespaces elsewhere on restore. */
export function encodeTablespaceMap(entries: readonly TablespaceMapEntry[]): Uint8Array {
  const bytes: number[] = [];
  for (const { oid, path } of entries) {
    for (const char of `${oid} `) bytes.push(char.charCodeAt(0));
    for (const byte of path) {
      if (byte === lineFeed || byte === carriageReturn || byte === backslash) bytes.push(backslash);
      bytes.push(byte);
    }
    bytes.push(lineFeed);
  }
  return Uint8Array.from(bytes);
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const backslash = 0x5c;
const space = 0x20;

function parseLine(line: readonly number[]): TablespaceMapEntry {
  const end = line.indexOf(space);
  const oid = end === -1 ? "" : String.fromCharCode(...line.slice(0, end));
  if (!/^[1-9]\d{0,9}$/.test(oid) || end === line.length - 1) throw damaged("a line is not an OID and a path");
  return { oid: Number(oid), path: Uint8Array.from(line.slice(end + 1)) };
}

function damaged(why: string): AppError {
  return new AppError("backup-stream-damaged", { message: `tablespace_map cannot be read: ${why}` });
}
