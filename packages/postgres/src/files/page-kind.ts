import type { RelationFile } from "./relation-file.ts";

/** Whose page it is. `other`: of an access method we do not know (an extension's). `broken`: its header makes no sense. */
export type PageKind =
  | "new"
  | "heap"
  | "btree"
  | "hash"
  | "gin"
  | "gist"
  | "spgist"
  | "brin"
  | "sequence"
  | "free-space-map"
  | "visibility-map"
  | "other"
  | "broken";

/** Fields of a page's header (PageHeaderData, src/include/storage/bufpage.h); offsets in bytes. */
export const pageHeader = {
  lsn: 0,
  checksum: 8,
  flags: 10,
  lower: 12,
  upper: 14,
  special: 16,
  pruneXid: 20,
  bytes: 24,
} as const;

/**
 * Tells the kind of a page by its special area. Heap pages have none. B-tree, hash, GiST, SP-GiST, BRIN and bloom end
 * theirs with two bytes that differ between all of them, on purpose ("page id", src/include/access/hash.h and its
 * like), and so that GIN's flags, which stand in the same place, never look like one. A sequence's says 0x1717.
 */
export function pageKindOf(page: Uint8Array, fork: RelationFile["fork"] = "main"): PageKind {
  const view = new DataView(page.buffer, page.byteOffset, page.length);
  const lower = view.getUint16(pageHeader.lower, true);
  const upper = view.getUint16(pageHeader.upper, true);
  const special = view.getUint16(pageHeader.special, true);
  if (upper === 0) return isZero(page) ? "new" : "broken";
  if (lower < pageHeader.bytes || lower > upper || upper > special || special > page.length) return "broken";
  if (fork === "fsm") return "free-space-map";
  if (fork === "vm") return "visibility-map";
  const specialBytes = page.length - special;
  if (specialBytes === 0) return "heap";
  const id = view.getUint16(page.length - 2, true);
  if (specialBytes === 8) return kindOfShortSpecial(view, special, lower, id);
  if (specialBytes !== 16) return "other";
  if (id === pageId.hash) return "hash";
  if (id === pageId.gist) return "gist";
  return id <= maxBtreeCycleId ? "btree" : "other";
}

/** BlockNumber, LSN and the rest say nothing here; only what cannot be mistaken is asked. */
function kindOfShortSpecial(view: DataView, special: number, lower: number, id: number): PageKind {
  if (id === pageId.spgist) return "spgist";
  if (id === pageId.brinMeta || id === pageId.brinRevmap || id === pageId.brinRegular) return "brin";
  if (id >= 0x8000) return "other";
  // A sequence is one page with one tuple; a GIN page whose right neighbour is page 5,911 has more, or other flags.
  const oneItem = lower === pageHeader.bytes + 4;
  if (oneItem && view.getUint32(special, true) === sequenceMagic && view.getUint32(special + 4, true) === 0) {
    return "sequence";
  }
  return "gin";
}

function isZero(page: Uint8Array): boolean {
  for (let at = 0; at < page.length; at++) if (page[at] !== 0) return false;
  return true;
}

const pageId = {
  /** HASHO_PAGE_ID, src/include/access/hash.h. */
  hash: 0xff80,
  /** GIST_PAGE_ID, src/include/access/gist.h. */
  gist: 0xff81,
  /** SPGIST_PAGE_ID, src/include/access/spgist_private.h. */
  spgist: 0xff82,
  /** BRIN_PAGETYPE_META, _REVMAP and _REGULAR, src/include/access/brin_page.h. */
  brinMeta: 0xf091,
  brinRevmap: 0xf092,
  brinRegular: 0xf093,
} as const;

/** MAX_BT_CYCLE_ID, src/include/access/nbtree.h: the cycle id stands where the others have their page id. */
const maxBtreeCycleId = 0xff7f;
/** SEQ_MAGIC, src/backend/commands/sequence.c. */
const sequenceMagic = 0x1717;
