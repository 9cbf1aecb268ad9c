import { AppError } from "@tidemark/kit";
import {
  formatLsn,
  type ManifestWalRange,
  parseWalSegmentName,
  walSegmentName,
  walSegmentStart,
} from "@tidemark/postgres";

/** What a cluster's WAL must look like. */
export interface WalIdentity {
  readonly major: number;
  readonly systemIdentifier: bigint;
  readonly segmentSizeBytes: number;
}

/** Magic of each major's WAL pages (src/include/access/xlog_internal.h, XLOG_PAGE_MAGIC). */
const walMagicOfMajor: ReadonlyMap<number, number> = new Map([
  [13, 0xd106],
  [14, 0xd10d],
  [15, 0xd110],
  [16, 0xd113],
  [17, 0xd116],
  [18, 0xd118],
]);

/** Bytes of a segment's first page that `WalCoverage` looks at (XLogLongPageHeaderData). */
export const walHeaderBytes = 40;

/** Collects the WAL segments of a running backup and proves that they cover what recovery needs. */
export class WalCoverage {
  readonly #identity: WalIdentity;
  /** Start LSN → timelines of which a good segment starts there. */
  readonly #segments = new Map<bigint, number[]>();

  constructor(identity: WalIdentity) {
    this.#identity = identity;
  }

  /**
   * Takes a file of `pg_wal` with its first bytes; files that are no segments (history, archive status) are passed over.
   * Throws `backup-stream-damaged` for a segment that is not what its name says.
   */
  add(name: string, sizeBytes: number, header: Uint8Array): void {
    const segment = parseWalSegmentName(name, this.#identity.segmentSizeBytes);
    if (segment === null) return;
    const problem = this.#problemOf(segment, sizeBytes, header);
    if (problem !== null) {
      throw new AppError("backup-stream-damaged", {
        message: `the WAL segment ${name} ${problem}`,
        context: { segment: name },
      });
    }
    const timelines = this.#segments.get(segment.startLsn) ?? [];
    timelines.push(segment.timeline);
    this.#segments.set(segment.startLsn, timelines);
  }

  /**
   * Throws `wal-removed` naming the first segment that recovery would miss. `ranges` are the manifest's, in any order;
   * together they must reach from the backup's start to its end. Where the server switched timelines, the segment of a
   * later timeline serves as well: it begins with a copy of the older one's part.
   */
  assertCovers(ranges: readonly ManifestWalRange[], startLsn: bigint, stopLsn: bigint): void {
    const ordered = [...ranges].sort((left, right) => (left.startLsn < right.startLsn ? -1 : 1));
    let reached = startLsn;
    for (const range of ordered) {
      if (range.startLsn > reached) break;
      this.#assertRange(range);
      if (range.endLsn > reached) reached = range.endLsn;
    }
    if (reached >= stopLsn) return;
    throw missing(`the server's manifest names WAL only up to ${formatLsn(reached as ManifestWalRange["endLsn"])}`);
  }

  #assertRange(range: ManifestWalRange): void {
    const size = BigInt(this.#identity.segmentSizeBytes);
    for (
      let lsn: bigint = walSegmentStart(range.startLsn, this.#identity.segmentSizeBytes);
      lsn < range.endLsn;
      lsn += size
    ) {
      const timelines = this.#segments.get(lsn) ?? [];
      if (timelines.some((timeline) => timeline >= range.timeline)) continue;
      const name = walSegmentName(range.timeline, lsn as typeof range.startLsn, this.#identity.segmentSizeBytes);
      throw missing(`the segment ${name} was not sent`);
    }
  }

  #problemOf(
    segment: { readonly timeline: number; readonly startLsn: bigint },
    sizeBytes: number,
    header: Uint8Array,
  ): string | null {
    const { major, systemIdentifier, segmentSizeBytes } = this.#identity;
    if (sizeBytes !== segmentSizeBytes) return `has ${sizeBytes} bytes instead of ${segmentSizeBytes}`;
    if (header.length < walHeaderBytes) return "ends inside its header";
    const view = new DataView(header.buffer, header.byteOffset, header.length);
    const magic = view.getUint16(0, true);
    if (magic !== walMagicOfMajor.get(major)) return `does not begin like WAL of PostgreSQL ${major}`;
    // XLP_LONG_HEADER: the first page of every segment.
    if ((view.getUint16(2, true) & 2) === 0) return "does not begin with a long page header";
    // A segment in which a timeline begins is a copy of the older one up to there, with the older one's pages.
    if (view.getUint32(4, true) > segment.timeline) return "belongs to a later timeline";
    if (view.getBigUint64(8, true) !== segment.startLsn) return "holds the WAL of another position";
    if (view.getBigUint64(24, true) !== systemIdentifier) return "belongs to another cluster";
    if (view.getUint32(32, true) !== segmentSizeBytes) return "was written with another segment size";
    return null;
  }
}

function missing(why: string): AppError {
  return new AppError("wal-removed", {
    message: `the backup lacks WAL that recovery needs: ${why}`,
    hint: "the copy was given up; a free replication slot or a larger wal_keep_size keeps the server from removing WAL meanwhile",
  });
}
