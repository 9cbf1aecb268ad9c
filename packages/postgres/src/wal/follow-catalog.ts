import { catalogTuplesOf, columnsOf, tupleHeaderBytes } from "../files/catalog-tuples.ts";
import type { CatalogRow } from "../files/relation-catalog.ts";
import { heapOperations } from "./decode-heap.ts";
import { pageOfImage } from "./page-image.ts";
import { resourceManagers } from "./resource-managers.ts";
import type { WalBlock, WalRecord } from "./wal-record.ts";

/** What a record did to a row: columns before and after; null where there is none, or where they are not known. */
export interface RowChange {
  readonly kind: "insert" | "update" | "delete";
  readonly before: Uint8Array | null;
  readonly after: Uint8Array | null;
}

/**
 * Follows the rows of one catalog through the WAL. A record tells an updated row by its difference to the old one, and a
 * deleted one only by its place, so all rows are remembered by place, as they were read from the files first.
 */
export class FollowedCatalog {
  readonly #rows = new Map<number, Uint8Array>();
  /** The catalog's file, in its database's tablespace. */
  relNumber: number;

  constructor(relNumber: number, rows: readonly CatalogRow[]) {
    this.relNumber = relNumber;
    for (const { block, offsetNumber, columns } of rows) this.#rows.set(placeOf(block, offsetNumber), columns);
  }

  /** The rows lie elsewhere now, or WAL is missing: what is not told anew is not known. */
  forgetPlaces(): void {
    this.#rows.clear();
  }

  /** Takes a record whose first block is of this catalog; null when it changes no row. */
  take(record: WalRecord): RowChange | null {
    const { blocks, mainData } = record.body();
    for (const block of blocks) this.#takeImage(block);
    const [page, oldPage = page] = blocks;
    if (page === undefined || record.rmgr !== resourceManagers.heap || mainData.length < 2) return null;
    const view = new DataView(mainData.buffer, mainData.byteOffset, mainData.byteLength);
    const operation = record.info & 0x70;
    if (operation === heapOperations.insert) {
      const place = placeOf(page.block, view.getUint16(0, true));
      return { kind: "insert", before: null, after: this.#put(place, columnsOfInsert(page.data)) };
    }
    if (operation === heapOperations.delete && mainData.length >= deleteBytes) {
      const place = placeOf(page.block, view.getUint16(4, true));
      return { kind: "delete", before: this.#rows.get(place) ?? null, after: null };
    }
    const isUpdate = operation === heapOperations.update || operation === heapOperations.hotUpdate;
    if (!isUpdate || mainData.length < updateBytes) return null;
    // xl_heap_update: old xmax, old offset number, infomask bits, flags, new xmax, new offset number.
    const before = this.#rows.get(placeOf(oldPage?.block ?? page.block, view.getUint16(4, true))) ?? null;
    const after = columnsOfUpdate(page.data, mainData[7] as number, before);
    return { kind: "update", before, after: this.#put(placeOf(page.block, view.getUint16(12, true)), after) };
  }

  /** What the record says, or what the image of the page has shown. */
  #put(place: number, columns: Uint8Array | null): Uint8Array | null {
    if (columns !== null) this.#rows.set(place, columns);
    return this.#rows.get(place) ?? null;
  }

  #takeImage({ image, block, relNumber, fork }: WalBlock): void {
    if (image === null || !image.isApplied || relNumber !== this.relNumber || fork !== 0) return;
    const page = pageOfImage(image);
    if (page === null) return;
    for (const { offsetNumber, tuple } of catalogTuplesOf(page)) {
      this.#rows.set(placeOf(block, offsetNumber), columnsOf(tuple).slice());
    }
  }
}

/** Line pointers are numbered up to 2048 at most (MaxOffsetNumber). */
function placeOf(block: number, offsetNumber: number): number {
  return block * 4096 + offsetNumber;
}

/** xl_heap_header: two infomasks and t_hoff; then the tuple from behind its fixed header on. */
function columnsOfInsert(data: Uint8Array): Uint8Array | null {
  if (data.length < heapHeaderBytes) return null;
  return data.slice(heapHeaderBytes + Math.max((data[4] as number) - tupleHeaderBytes, 0));
}

/** As log_heap_update (heapam.c) left out what the old row has at its beginning and end. */
function columnsOfUpdate(data: Uint8Array, flags: number, before: Uint8Array | null): Uint8Array | null {
  const hasPrefix = (flags & prefixFromOld) !== 0;
  const hasSuffix = (flags & suffixFromOld) !== 0;
  const lengths = (hasPrefix ? 2 : 0) + (hasSuffix ? 2 : 0);
  if (data.length < lengths + heapHeaderBytes) return null;
  const own = columnsOfInsert(data.subarray(lengths));
  if (own === null || lengths === 0) return own;
  if (before === null) return null;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const prefixBytes = hasPrefix ? view.getUint16(0, true) : 0;
  const suffixBytes = hasSuffix ? view.getUint16(lengths - 2, true) : 0;
  if (prefixBytes + suffixBytes > before.length) return null;
  return Buffer.concat([before.subarray(0, prefixBytes), own, before.subarray(before.length - suffixBytes)]);
}

// src/include/access/heapam_xlog.h
const heapHeaderBytes = 5;
const deleteBytes = 8;
const updateBytes = 14;
const prefixFromOld = 0x20;
const suffixFromOld = 0x40;
