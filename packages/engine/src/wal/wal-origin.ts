import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AppError, systemErrorCode } from "@tidemark/kit";
import {
  parsePgControl,
  parseWalSegmentName,
  segmentHeaderBytes,
  supportedMajors,
  validateSegmentHeader,
  walVersionOf,
} from "@tidemark/postgres/segment-reading";
import type { ServerArea, WalSegmentPlace } from "@tidemark/repository";

/** Whose WAL a cluster writes. */
export interface WalOrigin {
  readonly systemIdentifier: bigint;
  readonly segmentSizeBytes: number;
}

/** The cluster of a data directory, from its `global/pg_control`; null when there is none to be read. */
export async function originOfDataDirectory(path: string): Promise<WalOrigin | null> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(join(path, "global", "pg_control"));
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EACCES"].includes(systemErrorCode(error) ?? "")) return null;
    throw error;
  }
  const { systemIdentifier, walSegmentSizeBytes } = parsePgControl(bytes);
  return { systemIdentifier, segmentSizeBytes: walSegmentSizeBytes };
}

/** The cluster whose recovery asks. */
export async function requireOrigin(dataDirectory: string): Promise<WalOrigin> {
  const origin = await originOfDataDirectory(dataDirectory);
  if (origin !== null) return origin;
  throw new AppError("wal-invalid", {
    message: `${dataDirectory} is no data directory: its global/pg_control cannot be read`,
    hint: "PostgreSQL calls restore_command in its data directory; by hand, call it there, too",
    context: { dataDirectory },
  });
}

/** The data directory that a file of `pg_wal` belongs to. */
export function dataDirectoryOf(walFile: string): string {
  return dirname(dirname(walFile));
}

/** A segment as its first bytes tell it. */
export interface SegmentHeader extends WalOrigin {
  readonly major: number;
  readonly place: WalSegmentPlace;
}

/** Reads the first bytes of a segment and holds them against its name and length. Throws `wal-invalid`. */
export function readSegmentHeader(name: string, sizeBytes: number, header: Uint8Array): SegmentHeader {
  const refuse = (why: string): AppError =>
    new AppError("wal-invalid", {
      message: `${name} ${why}`,
      hint: "nothing was stored; the server's own log tells why it wrote such a segment",
      context: { segment: name },
    });
  if (header.length < segmentHeaderBytes) throw refuse("ends inside its header");
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  const magic = view.getUint16(0, true);
  const major = supportedMajors.find((one) => walVersionOf(one).magic === magic);
  if (major === undefined) throw refuse("does not begin like WAL of a PostgreSQL from 13 to 18");
  const origin = { systemIdentifier: view.getBigUint64(24, true), segmentSizeBytes: view.getUint32(32, true) };
  if (!isSegmentSize(origin.segmentSizeBytes)) throw refuse("says a segment size that cannot be");
  const segment = parseWalSegmentName(name, origin.segmentSizeBytes);
  if (segment === null) throw refuse("has a name that no segment of its size can have");
  const problem = validateSegmentHeader(header, { major, ...origin, ...segment });
  if (problem !== null) throw refuse(problem);
  if (sizeBytes !== origin.segmentSizeBytes) {
    throw refuse(`has ${sizeBytes} bytes instead of ${origin.segmentSizeBytes}`);
  }
  return { ...origin, major, place: { ...segment, sizeBytes } };
}

/** initdb --wal-segsize: a power of two from 1 MiB to 1 GiB. */
function isSegmentSize(bytes: number): boolean {
  return bytes >= 1 << 20 && bytes <= 1 << 30 && (bytes & (bytes - 1)) === 0;
}

/** How the cluster whose WAL belongs into an area is known: by the settings, else by what is there already. */
export interface WalOwner {
  readonly area: ServerArea;
  /** Null: nobody said. */
  readonly systemIdentifier: bigint | null;
}

/**
 * Throws `wal-foreign-server` for a cluster that is not the one of the area. Where nobody said which that is, the first
 * one to come is taken, and every one that is there already.
 */
export async function assertOwner(owner: WalOwner, systemIdentifier: bigint, what: string): Promise<void> {
  const known = owner.systemIdentifier === null ? await owner.area.walIdentifiers() : [owner.systemIdentifier];
  if (known.length === 0 || known.includes(systemIdentifier)) return;
  throw new AppError("wal-foreign-server", {
    message: `${what} is of the cluster ${systemIdentifier}, but the WAL of ${owner.area.serverId} is that of ${known.join(", ")}`,
    hint: "nothing was stored; after pg_upgrade or initdb write the host's settings anew (tidemark server host-config); another server needs a name of its own",
    context: { serverId: owner.area.serverId, systemIdentifier },
  });
}
