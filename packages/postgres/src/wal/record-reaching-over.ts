import { pageFlags, pageHeaderBytes, walPageBytes } from "./page-header.ts";

/** Of a page's header: its flags and how much of a record from the page before is still to come end within these. */
const pageHeadBytes = 20;

/** Gives so many bytes of a segment from an offset on; null: they cannot be had. */
export type ReadSegmentPart = (offset: number, bytes: number) => Uint8Array | null;

/**
 * From which offset on a segment has to be read so that the record that reaches out of it is read from its beginning: the
 * start of a page, found by going back from the end over pages that hold nothing but the middle of that record. Null
 * where no record reaches over, where it began in a segment before this one, or where the bytes are not to be had.
 *
 * @param next the beginning of the segment behind it; null: not known, and a record is taken to reach over.
 */
export function beginOfRecordReachingOver(
  next: Uint8Array | null,
  segmentSizeBytes: number,
  read: ReadSegmentPart,
): number | null {
  if (next !== null && (next.length < pageHeadBytes || continuedBytes(next) === null)) return null;
  for (let offset = segmentSizeBytes - walPageBytes; offset >= 0; offset -= walPageBytes) {
    const head = read(offset, pageHeadBytes);
    if (head === null || head.length < pageHeadBytes) return null;
    const continued = continuedBytes(head);
    if (continued === null || continued <= walPageBytes - pageHeaderBytes(offset)) return offset;
  }
  return null;
}

/** Bytes of a record from before that are still to come where the page begins; null: none. */
function continuedBytes(head: Uint8Array): number | null {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  return (view.getUint16(2, true) & pageFlags.isContinued) === 0 ? null : view.getUint32(16, true);
}
