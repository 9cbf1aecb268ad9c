import { capabilitiesOf } from "../session/capabilities.ts";
import { walMagicOf } from "./wal-versions.ts";

/** What a WAL segment must be. */
export interface ExpectedSegment {
  readonly major: number;
  readonly systemIdentifier: bigint;
  readonly segmentSizeBytes: number;
  /** The timeline its name says. */
  readonly timeline: number;
  /** The first byte its name says. */
  readonly startLsn: bigint;
}

/** Bytes of a segment's first page that `validateSegmentHeader` looks at (XLogLongPageHeaderData, xlog_internal.h). */
export const segmentHeaderBytes = 40;

/**
 * Why these first bytes are not those of the expected segment, as the end of a sentence that begins with the segment's
 * name ("belongs to another cluster"); null when they are. Never throws for what the bytes hold.
 *
 * @throws AppError `version-unsupported` for a major we do not serve.
 */
export function validateSegmentHeader(header: Uint8Array, expected: ExpectedSegment): string | null {
  const { major, systemIdentifier, segmentSizeBytes } = expected;
  const magic = walMagicOf(capabilitiesOf(major).major);
  if (header.length < segmentHeaderBytes) return "ends inside its header";
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  if (view.getUint16(0, true) !== magic) return `does not begin like WAL of PostgreSQL ${major}`;
  // XLP_LONG_HEADER: the first page of every segment.
  if ((view.getUint16(2, true) & 2) === 0) return "does not begin with a long page header";
  // A segment in which a timeline begins is a copy of the older one up to there, with the older one's pages.
  if (view.getUint32(4, true) > expected.timeline) return "belongs to a later timeline";
  if (view.getBigUint64(8, true) !== expected.startLsn) return "holds the WAL of another position";
  if (view.getBigUint64(24, true) !== systemIdentifier) return "belongs to another cluster";
  if (view.getUint32(32, true) !== segmentSizeBytes) return "was written with another segment size";
  return null;
}
