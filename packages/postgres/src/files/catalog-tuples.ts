/** What a transaction came to, as `pg_xact` has it. */
export type TransactionStatus = "in-progress" | "committed" | "aborted" | "sub-committed";

/** A tuple on a page: its line pointer (from 1 on) and its bytes, header and all. */
export interface PlacedTuple {
  readonly offsetNumber: number;
  readonly tuple: Uint8Array;
}

/** Line pointers that are in use and point to a tuple (src/include/storage/itemid.h: 15 bits offset, 2 flags, 15 length). */
export function* catalogTuplesOf(page: Uint8Array): Generator<PlacedTuple> {
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  const lower = view.getUint16(12, true);
  for (let at = pageHeaderBytes; at + 4 <= Math.min(lower, page.length); at += 4) {
    const pointer = view.getUint32(at, true);
    const offset = pointer & 0x7fff;
    const isNormal = ((pointer >>> 15) & 3) === 1;
    const length = pointer >>> 17;
    if (isNormal && length >= tupleHeaderBytes && offset + length <= page.length) {
      const offsetNumber = (at - pageHeaderBytes) / 4 + 1;
      yield { offsetNumber, tuple: page.subarray(offset, offset + length) };
    }
  }
}

/** What HeapTupleSatisfiesMVCC would say to somebody who came after every transaction (heapam_visibility.c). */
export function isVisibleTuple(tuple: Uint8Array, statusOf: (transactionId: number) => TransactionStatus): boolean {
  const view = new DataView(tuple.buffer, tuple.byteOffset, tuple.byteLength);
  const flags = view.getUint16(20, true);
  const isFrozen = (flags & heapXminFrozen) === heapXminFrozen;
  if (!isFrozen) {
    if ((flags & heapXminInvalid) !== 0) return false;
    if ((flags & heapXminCommitted) === 0 && statusOf(view.getUint32(0, true)) !== "committed") return false;
  }
  // Locked only, or by several: still there, since whoever changes a row of these catalogs holds what it names alone.
  if ((flags & (heapXmaxInvalid | heapXmaxLockOnly | heapXmaxIsMulti)) !== 0) return true;
  if ((flags & heapXmaxCommitted) !== 0) return false;
  const deleter = view.getUint32(4, true);
  return deleter === 0 || statusOf(deleter) !== "committed";
}

/** The columns of a tuple: what is behind its header (t_hoff); empty when there are none. */
export function columnsOf(tuple: Uint8Array): Uint8Array {
  return tuple.subarray(Math.max(tuple[22] ?? 0, tupleHeaderBytes));
}

const pageHeaderBytes = 24;
/** SizeofHeapTupleHeader (src/include/access/htup_details.h). */
export const tupleHeaderBytes = 23;
const heapXminCommitted = 0x0100;
const heapXminInvalid = 0x0200;
const heapXminFrozen = 0x0300;
const heapXmaxCommitted = 0x0400;
const heapXmaxInvalid = 0x0800;
const heapXmaxIsMulti = 0x1000;
const heapXmaxLockOnly = 0x0080;
