import { walVersionOf } from "../wal/wal-versions.ts";
import { catalogTuplesOf, columnsOf, isVisibleTuple, type TransactionStatus } from "./catalog-tuples.ts";

/** OIDs of the catalogs that tell relations' names, and of their namespaces and ancestors (src/include/catalog). */
export const relationCatalogOids = { relation: 1259, namespace: 2615, inheritance: 2611 } as const;

/** A row of a catalog as it lies on its page. */
export interface CatalogRow {
  readonly block: number;
  readonly offsetNumber: number;
  /** Its columns, without the row's header. */
  readonly columns: Uint8Array;
  /** A snapshot that knows every committed transaction sees it. */
  readonly isVisible: boolean;
}

/** A row of `pg_class`. */
export interface RelationRow {
  readonly oid: number;
  readonly name: string;
  readonly namespaceOid: number;
  /** 0 for relations without files, and for those whose file is in `pg_filenode.map`. */
  readonly relNumber: number;
  /** 0: the database's own. */
  readonly spcOid: number;
  /** `r` table, `i` index, `t` TOAST table, `m` materialized view, `p` partitioned table, `S` sequence … */
  readonly kind: string;
}

export interface NamespaceRow {
  readonly oid: number;
  readonly name: string;
}

/** A row of `pg_inherits`. */
export interface InheritanceRow {
  readonly childOid: number;
  readonly parentOid: number;
}

/** All rows in the pages of a catalog, those nobody sees any more included: a row of the WAL may be told by its difference to one. */
export function readCatalogRows(
  pages: Uint8Array,
  options: { readonly blockSize: number; readonly statusOf: (transactionId: number) => TransactionStatus },
): CatalogRow[] {
  const rows: CatalogRow[] = [];
  for (let at = 0; at + options.blockSize <= pages.length; at += options.blockSize) {
    for (const { offsetNumber, tuple } of catalogTuplesOf(pages.subarray(at, at + options.blockSize))) {
      const isVisible = isVisibleTuple(tuple, options.statusOf);
      rows.push({ block: at / options.blockSize, offsetNumber, columns: columnsOf(tuple).slice(), isVisible });
    }
  }
  return rows;
}

/** Null when the columns are too short to be such a row. */
export function relationRowOf(columns: Uint8Array, major: number): RelationRow | null {
  const { relkindOffset } = walVersionOf(major);
  if (columns.length <= relkindOffset) return null;
  const view = new DataView(columns.buffer, columns.byteOffset, columns.byteLength);
  return {
    oid: view.getUint32(0, true),
    name: nameAt(columns, 4),
    namespaceOid: view.getUint32(68, true),
    // relnamespace, reltype, reloftype, relowner, relam stand between.
    relNumber: view.getUint32(88, true),
    spcOid: view.getUint32(92, true),
    kind: String.fromCharCode(columns[relkindOffset] as number),
  };
}

export function namespaceRowOf(columns: Uint8Array): NamespaceRow | null {
  if (columns.length < 4 + nameBytes) return null;
  return { oid: new DataView(columns.buffer, columns.byteOffset, 4).getUint32(0, true), name: nameAt(columns, 4) };
}

export function inheritanceRowOf(columns: Uint8Array): InheritanceRow | null {
  if (columns.length < 8) return null;
  const view = new DataView(columns.buffer, columns.byteOffset, 8);
  return { childOid: view.getUint32(0, true), parentOid: view.getUint32(4, true) };
}

function nameAt(columns: Uint8Array, at: number): string {
  const end = columns.indexOf(0, at);
  return Buffer.from(columns.subarray(at, Math.min(end < 0 ? at + nameBytes : end, at + nameBytes))).toString("utf8");
}

/** NAMEDATALEN (src/include/pg_config_manual.h). */
const nameBytes = 64;
