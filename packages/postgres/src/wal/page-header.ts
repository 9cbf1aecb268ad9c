/** Pages of WAL; other sizes need a server built so (--with-wal-blocksize). */
export const walPageBytes = 8192;

/** XLP_* (src/include/access/xlog_internal.h). */
export const pageFlags = { isContinued: 1, isLong: 2, overwrites: 8, all: 15 } as const;

const shortHeaderBytes = 24;
const longHeaderBytes = 40;

/** The length of the header of the page that holds the byte at this offset of its segment. */
export function pageHeaderBytes(offset: number): number {
  return offset < walPageBytes ? longHeaderBytes : shortHeaderBytes;
}

/** What a page must say of itself. */
export interface ExpectedPage {
  readonly magic: number;
  /** Later ones are not believed. */
  readonly timeline: number;
  readonly segmentSizeBytes: number;
}

/**
 * Why the header at `at` is not that of the page at this offset of the segment that begins at the LSN of these halves;
 * null when it is (XLogReaderValidatePageHeader, xlogreader.c).
 */
export function pageProblem(
  view: DataView,
  at: number,
  expected: ExpectedPage,
  place: { readonly high: number; readonly low: number; readonly offset: number },
): string | null {
  const info = view.getUint16(at + 2, true);
  if (view.getUint16(at, true) !== expected.magic) return "a page does not begin like WAL of this version";
  if ((info & ~pageFlags.all) !== 0) return "a page has unknown flags";
  const isHere =
    view.getUint32(at + 8, true) === place.low + place.offset && view.getUint32(at + 12, true) === place.high;
  if (!isHere) return "a page holds the WAL of another position";
  if (view.getUint32(at + 4, true) > expected.timeline) return "a page belongs to a later timeline";
  if (((info & pageFlags.isLong) !== 0) !== (place.offset === 0)) return "a page header has the wrong length";
  if (place.offset > 0) return null;
  if (view.getUint32(at + 32, true) !== expected.segmentSizeBytes) return "the segment size is another one";
  return view.getUint32(at + 36, true) === walPageBytes ? null : "the WAL's page size is not 8 KiB";
}
