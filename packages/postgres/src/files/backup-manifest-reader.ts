import { createHash, type Hash } from "node:crypto";
import { AppError } from "@tidemark/kit";
import type { ManifestChecksum, ManifestFacts, ManifestFile, ManifestWalRange } from "./backup-manifest.ts";
import { parseLsn } from "./lsn.ts";

/**
 * Reads a `backup_manifest` of any size piece by piece, in memory bounded by its longest line.
 *
 * Servers, pg_combinebackup and our writer all put one file on a line (src/backend/backup/backup_manifest.c), and the
 * checksum is defined over lines, so the reader works on lines and refuses a manifest that was laid out otherwise.
 *
 * States, in order: `version` → `system-identifier` or `files` → `files` … → `wal-ranges` … → `checksum` → `done`.
 */
export class BackupManifestReader {
  #state: "version" | "head" | "files" | "wal-ranges-head" | "wal-ranges" | "checksum" | "done" = "version";
  #version: 1 | 2 = 1;
  #systemIdentifier: bigint | null = null;
  readonly #walRanges: ManifestWalRange[] = [];
  /** The start of a line whose end has not come yet. */
  #rest: Uint8Array = new Uint8Array(0);
  readonly #hash: Hash = createHash("sha256");

  /**
   * Takes the next bytes and returns the files whose lines ended in them.
   *
   * @throws AppError `backup-manifest-mismatch` for anything a server would not have written.
   */
  push(chunk: Uint8Array): ManifestFile[] {
    const files: ManifestFile[] = [];
    let from = 0;
    for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, from)) {
      const line = concat(this.#rest, chunk.subarray(from, end + 1));
      this.#rest = noBytes;
      from = end + 1;
      const file = this.#takeLine(line);
      if (file !== null) files.push(file);
    }
    if (from < chunk.length) this.#rest = concat(this.#rest, chunk.subarray(from));
    if (this.#rest.length > maxLineBytes) throw mismatch(`a line is longer than ${maxLineBytes} bytes`);
    return files;
  }

  /**
   * To be called after the last byte.
   *
   * @throws AppError `backup-manifest-mismatch` when the end or the right checksum is missing.
   */
  finish(): ManifestFacts {
    if (this.#state !== "done" || this.#rest.length > 0) throw mismatch("it ends too early");
    return { version: this.#version, systemIdentifier: this.#systemIdentifier, walRanges: this.#walRanges };
  }

  #takeLine(line: Uint8Array): ManifestFile | null {
    const text = utf8(line).trimEnd();
    if (this.#state === "checksum") {
      this.#checkTrailer(text);
      return null;
    }
    this.#hash.update(line);
    switch (this.#state) {
      case "version":
        return this.#takeVersion(text);
      case "head":
        return this.#takeHead(text);
      case "files":
        if (text !== "],") return parseFile(parseEntry(text));
        this.#state = "wal-ranges-head";
        return null;
      case "wal-ranges-head":
        if (text !== '"WAL-Ranges": [') throw mismatch(`"WAL-Ranges" was expected, not ${quote(text)}`);
        this.#state = "wal-ranges";
        return null;
      case "wal-ranges":
        if (text === "],") this.#state = "checksum";
        else this.#walRanges.push(parseWalRange(parseEntry(text)));
        return null;
      default:
        throw mismatch("something follows its checksum");
    }
  }

  #takeVersion(text: string): null {
    const match = /^\{ "PostgreSQL-Backup-Manifest-Version": ([12]),$/.exec(text);
    if (match === null) throw mismatch(`its first line ${quote(text)} is not that of a manifest of version 1 or 2`);
    this.#version = match[1] === "2" ? 2 : 1;
    this.#state = "head";
    return null;
  }

  #takeHead(text: string): null {
    // A bare number above 2^53: JSON.parse would round it.
    const identifier = /^"System-Identifier": (\d{1,20}),$/.exec(text);
    if (identifier !== null && this.#version === 2 && this.#systemIdentifier === null) {
      this.#systemIdentifier = BigInt(identifier[1] as string);
      return null;
    }
    if (text !== '"Files": [' || (this.#version === 2 && this.#systemIdentifier === null)) {
      throw mismatch(`${quote(text)} is not what a manifest of version ${this.#version} begins with`);
    }
    this.#state = "files";
    return null;
  }

  #checkTrailer(text: string): void {
    const match = /^"Manifest-Checksum": "([0-9a-f]{64})"\}$/.exec(text);
    if (match === null) throw mismatch("its checksum line is malformed");
    if (match[1] !== this.#hash.digest("hex")) throw mismatch("its own checksum is wrong");
    this.#state = "done";
  }
}

const lineFeed = 0x0a;
const noBytes = new Uint8Array(0);
/** A path has at most 1,024 bytes (MAXPGPATH), twelve times that when every byte is escaped as a surrogate pair. */
const maxLineBytes = 65_536;
const decoder = new TextDecoder("utf-8", { fatal: true });
const encoder = new TextEncoder();

function utf8(line: Uint8Array): string {
  try {
    return decoder.decode(line);
  } catch (cause) {
    throw mismatch("a line is not UTF-8", cause);
  }
}

function parseEntry(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text.endsWith(",") ? text.slice(0, -1) : text);
  } catch (cause) {
    throw mismatch(`${quote(text)} is not JSON`, cause);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw mismatch(`${quote(text)} is not an entry`);
  return value as Readonly<Record<string, unknown>>;
}

function parseFile(entry: Readonly<Record<string, unknown>>): ManifestFile {
  const known = ["Path", "Encoded-Path", "Size", "Last-Modified", "Checksum-Algorithm", "Checksum"];
  const unknown = Object.keys(entry).find((key) => !known.includes(key));
  if (unknown !== undefined) throw mismatch(`a file has the unknown key ${quote(unknown)}`);
  const size = entry.Size;
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) throw mismatch("a file has no usable size");
  const modified = entry["Last-Modified"];
  if (modified !== undefined && typeof modified !== "string") throw mismatch("a file's time of change is not text");
  return {
    path: parsePath(entry.Path, entry["Encoded-Path"]),
    sizeBytes: size,
    modifiedAt: modified === undefined ? null : parseTime(modified),
    checksum: parseChecksum(entry["Checksum-Algorithm"], entry.Checksum),
  };
}

function parsePath(path: unknown, encoded: unknown): Uint8Array {
  if (typeof path === "string" && encoded === undefined && path !== "") return encoder.encode(path);
  if (typeof encoded === "string" && path === undefined && /^(?:[0-9a-fA-F]{2})+$/.test(encoded)) {
    return new Uint8Array(Buffer.from(encoded, "hex"));
  }
  throw mismatch("a file has no usable path");
}

function parseTime(text: string): Date {
  const match = /^(\d{4,})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d) GMT$/.exec(text);
  const time = match === null ? Number.NaN : Date.parse(`${text.slice(0, 10)}T${text.slice(11, 19)}Z`);
  if (Number.isNaN(time)) throw mismatch(`${quote(text)} is not a time of change`);
  return new Date(time);
}

function parseChecksum(algorithm: unknown, hex: unknown): ManifestChecksum | null {
  if (algorithm === undefined && hex === undefined) return null;
  if (typeof hex !== "string" || !/^(?:[0-9a-f]{2})+$/.test(hex)) throw mismatch("a file's checksum is not hex digits");
  switch (algorithm) {
    case "CRC32C":
      if (hex.length !== 8) throw mismatch("a CRC32C has another length than four bytes");
      return { algorithm, crc32c: Buffer.from(hex, "hex").readUInt32LE(0) };
    case "SHA224":
    case "SHA256":
    case "SHA384":
    case "SHA512":
      return { algorithm, hex };
    default:
      throw mismatch(`the checksum algorithm ${quote(String(algorithm))} is unknown`);
  }
}

function parseWalRange(entry: Readonly<Record<string, unknown>>): ManifestWalRange {
  const { Timeline: timeline, "Start-LSN": start, "End-LSN": end } = entry;
  const complete = Object.keys(entry).length === 3 && typeof start === "string" && typeof end === "string";
  if (!complete || typeof timeline !== "number" || !Number.isInteger(timeline))
    throw mismatch("a WAL range is malformed");
  try {
    return { timeline, startLsn: parseLsn(start), endLsn: parseLsn(end) };
  } catch (cause) {
    throw mismatch("a WAL range is malformed", cause);
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return new Uint8Array(b);
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
}

function mismatch(why: string, cause?: unknown): AppError {
  return new AppError("backup-manifest-mismatch", { message: `the backup manifest cannot be read: ${why}`, cause });
}
