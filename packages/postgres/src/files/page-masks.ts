import { type PageKind, pageHeader, pageKindOf } from "./page-kind.ts";
import type { RelationFile } from "./relation-file.ts";

/** Where a page stands. */
export interface PagePlace {
  readonly fork: RelationFile["fork"];
  /** Number within the relation (`firstBlockOfFile` plus the offset in blocks). */
  readonly block: number;
  /** The server's major version. */
  readonly major: number;
}

/**
 * Blanks, in place, what may differ between two states of a page without any WAL between them, as
 * `wal_consistency_checking` does: each access method's `rm_mask` (src/include/access/rmgrlist.h) with the steps of
 * src/backend/access/common/bufmask.c. A page without a sane header loses nothing but LSN and checksum, so that damage shows.
 *
 * Two rules are ours. A page that was initialised but never written to WAL becomes zeros: since 16, extending by
 * several pages initialises the first of them in memory only (RelationAddBlocks, src/backend/access/heap/hio.c). And the
 * maps' pages, which look empty by their header, keep their content: PostgreSQL's heap mask would blank all of it.
 */
export function maskPage(page: Uint8Array, place: PagePlace): void {
  const kind = pageKindOf(page, place.fork);
  if (kind === "new") return;
  const view = new DataView(page.buffer, page.byteOffset, page.length);
  if (kind === "heap" && isNeverLogged(view)) {
    page.fill(0);
    return;
  }
  maskLsnAndChecksum(view);
  masks[kind]?.(page, view, place);
}

/** Whether two states of a page are the same but for what changes without WAL. Neither is changed. */
export function samePage(left: Uint8Array, right: Uint8Array, place: PagePlace): boolean {
  if (Buffer.compare(left, right) === 0) return true;
  const [maskedLeft, maskedRight] = [new Uint8Array(left), new Uint8Array(right)];
  maskPage(maskedLeft, place);
  maskPage(maskedRight, place);
  return Buffer.compare(maskedLeft, maskedRight) === 0;
}

/** pd_lsn: the end of the last WAL record that changed the page; 0 for a page no record ever named. */
export function pageLsn(page: Uint8Array): bigint {
  const view = new DataView(page.buffer, page.byteOffset, page.length);
  return (BigInt(view.getUint32(pageHeader.lsn, true)) << 32n) | BigInt(view.getUint32(pageHeader.lsn + 4, true));
}

type Mask = (page: Uint8Array, view: DataView, place: PagePlace) => void;

const masks: Readonly<Partial<Record<PageKind, Mask>>> = {
  heap: maskHeap,
  btree: maskBtree,
  hash: maskHash,
  gin: maskGin,
  gist: maskGist,
  spgist: maskSpgist,
  brin: maskBrin,
  sequence: (page, view) => maskUnusedSpace(page, view), // seq_mask, src/backend/commands/sequence.c
  // generic_mask, src/backend/access/transam/generic_xlog.c: bloom and others that write their WAL that way.
  other: (page, view) => maskUnusedSpace(page, view),
};

/** No LSN, no line pointer: PageInit and nothing since. */
function isNeverLogged(view: DataView): boolean {
  const noLsn = view.getUint32(pageHeader.lsn, true) === 0 && view.getUint32(pageHeader.lsn + 4, true) === 0;
  return noLsn && view.getUint16(pageHeader.lower, true) === pageHeader.bytes;
}

/** heap_mask, src/backend/access/heap/heapam_xlog.c (heapam.c before 18). */
function maskHeap(page: Uint8Array, view: DataView, { block }: PagePlace): void {
  maskPageHints(view);
  maskUnusedSpace(page, view);
  forEachItem(view, (_at, { offset, length, flags }, offsetNumber) => {
    if (length === 0 || offset + length > page.length) return;
    if (flags === itemNormal && length >= heapTupleHeaderBytes) maskTuple(view, offset, block, offsetNumber);
    const padded = (length + 7) & ~7;
    page.fill(0, offset + length, Math.min(offset + padded, page.length));
  });
}

/** Hint bits, the command id (replay sets the first), and the ctid of a tuple inserted speculatively. */
function maskTuple(view: DataView, at: number, block: number, offsetNumber: number): void {
  const infomask = view.getUint16(at + tupleInfomask, true);
  const isFrozen = (infomask & xminFrozen) === xminFrozen;
  view.setUint16(at + tupleInfomask, infomask & ~(isFrozen ? xmaxHints : transactionBits), true);
  view.setUint32(at + tupleCommandId, 0, true);
  if (view.getUint16(at + tupleCtid + 4, true) !== speculativeOffset) return;
  view.setUint16(at + tupleCtid, block >>> 16, true);
  view.setUint16(at + tupleCtid + 2, block & 0xffff, true);
  view.setUint16(at + tupleCtid + 4, offsetNumber, true);
}

/** btree_mask, src/backend/access/nbtree/nbtxlog.c. Up to 13 a deleted page's content is blanked as a whole. */
function maskBtree(page: Uint8Array, view: DataView, { major }: PagePlace): void {
  maskPageHints(view);
  maskUnusedSpace(page, view);
  const flagsAt = page.length - 4;
  const flags = view.getUint16(flagsAt, true);
  if (major <= 13 && (flags & btreeDeleted) !== 0) maskContent(page, view);
  else if ((flags & btreeLeaf) !== 0) maskItemFlags(view);
  view.setUint16(flagsAt, flags & ~(btreeHasGarbage | btreeSplitEnd), true);
  view.setUint16(page.length - 2, 0, true);
}

/** hash_mask, src/backend/access/hash/hash_xlog.c. */
function maskHash(page: Uint8Array, view: DataView): void {
  maskPageHints(view);
  maskUnusedSpace(page, view);
  const flagsAt = page.length - 4;
  const flags = view.getUint16(flagsAt, true);
  const pageType = flags & hashPageType;
  if (pageType === 0) maskContent(page, view);
  else if (pageType === hashBucketPage || pageType === hashOverflowPage) maskItemFlags(view);
  view.setUint16(flagsAt, flags & ~hashHasDeadTuples, true);
}

/** gin_mask, src/backend/access/gin/ginxlog.c. */
function maskGin(page: Uint8Array, view: DataView): void {
  maskPageHints(view);
  if ((view.getUint16(page.length - 2, true) & ginDeleted) !== 0) maskContent(page, view);
  else if (view.getUint16(pageHeader.lower, true) > pageHeader.bytes) maskUnusedSpace(page, view);
}

/** gist_mask, src/backend/access/gist/gistxlog.c: the node sequence number is an LSN. */
function maskGist(page: Uint8Array, view: DataView): void {
  maskPageHints(view);
  maskUnusedSpace(page, view);
  page.fill(0, page.length - 16, page.length - 8);
  const flagsAt = page.length - 4;
  const flags = view.getUint16(flagsAt, true);
  if ((flags & gistLeaf) !== 0) maskItemFlags(view);
  view.setUint16(flagsAt, (flags | gistFollowRight) & ~gistHasGarbage, true);
}

/**
 * spg_mask, src/backend/access/spgist/spgxlog.c. Of the meta page only the magic number counts: the cache of last used
 * pages behind it, and pd_lower, are written without WAL (SpGistUpdateMetaPage, spgutils.c).
 */
function maskSpgist(page: Uint8Array, view: DataView): void {
  maskPageHints(view);
  if ((view.getUint16(page.length - 8, true) & spgistMeta) !== 0) {
    page.fill(0, pageHeader.bytes + 4, page.length - 8);
    view.setUint16(pageHeader.lower, 0, true);
    return;
  }
  maskUnusedSpace(page, view);
}

/** brin_mask, src/backend/access/brin/brin_xlog.c. A revmap page uses its space without saying so in pd_lower. */
function maskBrin(page: Uint8Array, view: DataView): void {
  maskPageHints(view);
  const type = view.getUint16(page.length - 2, true);
  const lower = view.getUint16(pageHeader.lower, true);
  if (type === brinRegular || (type === brinMeta && lower > pageHeader.bytes)) maskUnusedSpace(page, view);
  const flagsAt = page.length - 4;
  view.setUint16(flagsAt, view.getUint16(flagsAt, true) & ~brinEvacuate, true);
}

/** mask_page_lsn_and_checksum. */
function maskLsnAndChecksum(view: DataView): void {
  view.setUint32(pageHeader.lsn, 0, true);
  view.setUint32(pageHeader.lsn + 4, 0, true);
  view.setUint16(pageHeader.checksum, 0, true);
}

/** mask_page_hint_bits: pd_prune_xid, PD_HAS_FREE_LINES, PD_PAGE_FULL, PD_ALL_VISIBLE. */
function maskPageHints(view: DataView): void {
  view.setUint32(pageHeader.pruneXid, 0, true);
  view.setUint16(pageHeader.flags, view.getUint16(pageHeader.flags, true) & ~0x0007, true);
}

/** mask_unused_space: between pd_lower and pd_upper, which `pageKindOf` found sane, or nothing. */
function maskUnusedSpace(page: Uint8Array, view: DataView): void {
  const lower = view.getUint16(pageHeader.lower, true);
  const upper = view.getUint16(pageHeader.upper, true);
  if (lower >= pageHeader.bytes && lower < upper && upper <= page.length) page.fill(0, lower, upper);
}

/** mask_page_content: all but the header, and pd_lower and pd_upper in it. */
function maskContent(page: Uint8Array, view: DataView): void {
  page.fill(0, pageHeader.bytes);
  view.setUint32(pageHeader.lower, 0, true);
}

/** mask_lp_flags: of every line pointer in use. */
function maskItemFlags(view: DataView): void {
  forEachItem(view, (at, { flags }) => {
    if (flags !== 0) view.setUint32(at, view.getUint32(at, true) & ~(3 << 15), true);
  });
}

interface PageItem {
  readonly offset: number;
  readonly length: number;
  readonly flags: number;
}

/** Line pointers (ItemIdData, src/include/storage/itemid.h): 15 bits of offset, 2 of flags, 15 of length. */
function forEachItem(view: DataView, visit: (at: number, item: PageItem, offsetNumber: number) => void): void {
  const lower = view.getUint16(pageHeader.lower, true);
  for (let at: number = pageHeader.bytes, number = 1; at + 4 <= lower; at += 4, number++) {
    const word = view.getUint32(at, true);
    visit(at, { offset: word & 0x7fff, flags: (word >>> 15) & 3, length: word >>> 17 }, number);
  }
}

/** LP_NORMAL. */
const itemNormal = 1;

/** HeapTupleHeaderData, src/include/access/htup_details.h: offsets and bits. */
const heapTupleHeaderBytes = 23;
const tupleCommandId = 8;
const tupleCtid = 12;
const tupleInfomask = 20;
const xminFrozen = 0x0300;
const xmaxHints = 0x0c00;
const transactionBits = 0xfff0;
/** SpecTokenOffsetNumber, src/include/storage/itemptr.h. */
const speculativeOffset = 0xfffe;

/** BTP_*, src/include/access/nbtree.h. */
const btreeLeaf = 1 << 0;
const btreeDeleted = 1 << 2;
const btreeSplitEnd = 1 << 5;
const btreeHasGarbage = 1 << 6;

/** LH_*, src/include/access/hash.h. */
const hashOverflowPage = 1 << 0;
const hashBucketPage = 1 << 1;
const hashPageType = 0x000f;
const hashHasDeadTuples = 1 << 7;

/** GIN_DELETED, src/include/access/ginblock.h. */
const ginDeleted = 1 << 2;

/** F_*, src/include/access/gist.h. */
const gistLeaf = 1 << 0;
const gistFollowRight = 1 << 3;
const gistHasGarbage = 1 << 4;

/** SPGIST_META, src/include/access/spgist_private.h. */
const spgistMeta = 1 << 0;

/** src/include/access/brin_page.h. */
const brinMeta = 0xf091;
const brinRegular = 0xf093;
const brinEvacuate = 1 << 0;
