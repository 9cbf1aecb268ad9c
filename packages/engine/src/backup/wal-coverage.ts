import { AppError } from "@tidemark/kit";
import {
  formatLsn,
  type ManifestWalRange,
  parseWalSegmentName,
  validateSegmentHeader,
  walSegmentName,
  walSegmentStart,
} from "@tidemark/postgres";

/** What a cluster's WAL must look like. */
export interface WalIdentity {
  readonly major: number;
  readonly systemIdentifier: bigint;
  readonly segmentSizeBytes: number;
}

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
    if (sizeBytes !== this.#identity.segmentSizeBytes) {
      return `has ${sizeBytes} bytes instead of ${this.#identity.segmentSizeBytes}`;
    }
    return validateSegmentHeader(header, { ...this.#identity, ...segment });
  }
}

function missing(why: string): AppError {
  return new AppError("wal-removed", {
    message: `the backup lacks WAL that recovery needs: ${why}`,
    hint: "the copy was given up; a free replication slot or a larger wal_keep_size keeps the server from removing WAL meanwhile",
  });
}
