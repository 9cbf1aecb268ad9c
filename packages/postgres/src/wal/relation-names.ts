import { mappedFileNumber } from "../files/database-catalog.ts";
import {
  type CatalogRow,
  inheritanceRowOf,
  namespaceRowOf,
  type RelationRow,
  relationCatalogOids,
  relationRowOf,
} from "../files/relation-catalog.ts";
import { decodeRelationMap } from "./decode-files.ts";
import type { RelationFileId } from "./decode-transaction.ts";
import { FollowedCatalog, type RowChange } from "./follow-catalog.ts";
import { resourceManagers } from "./resource-managers.ts";
import type { WalRecord } from "./wal-record.ts";

/** The catalogs of one database, as they lie in the files of a backup. */
export interface RelationNamesSource {
  readonly major: number;
  readonly dbOid: number;
  /** The database's tablespace. */
  readonly spcOid: number;
  /** The file number of `pg_class` (from the database's `pg_filenode.map`). */
  readonly relationFile: number;
  readonly relations: readonly CatalogRow[];
  readonly namespaces: readonly CatalogRow[];
  readonly inheritance: readonly CatalogRow[];
}

/** What a transaction did to the relations of the database, told when it commits. */
export interface CommittedRelations {
  readonly dropped: readonly RelationRow[];
  /** Relations that go on in another file: truncated, or rewritten. */
  readonly replaced: readonly { readonly before: RelationRow; readonly after: RelationRow }[];
  /** Changes whose row could not be told (WAL is missing before them). */
  readonly unknownRows: number;
}

/**
 * The names of a database's relations, followed through the WAL: relations that were made, renamed or given another file
 * since the backup are known too. What a transaction does is believed when it commits.
 */
export class RelationNames {
  readonly #source: RelationNamesSource;
  readonly #relations: FollowedCatalog;
  readonly #namespaces: FollowedCatalog;
  readonly #inheritance: FollowedCatalog;
  readonly #byOid = new Map<number, RelationRow>();
  readonly #oidByFile = new Map<string, number>();
  readonly #namespaceNames = new Map<number, string>();
  readonly #parents = new Map<number, number>();
  readonly #pending = new Map<number, Pending>();

  constructor(source: RelationNamesSource) {
    this.#source = source;
    for (const columns of visible(source.relations)) this.#setRelation(relationRowOf(columns, source.major));
    for (const columns of visible(source.namespaces)) this.#setNamespace(columns);
    for (const columns of visible(source.inheritance)) this.#setParent(columns);
    const fileOf = (oid: number) => this.#byOid.get(oid)?.relNumber ?? 0;
    this.#relations = new FollowedCatalog(source.relationFile, source.relations);
    this.#namespaces = new FollowedCatalog(fileOf(relationCatalogOids.namespace), source.namespaces);
    this.#inheritance = new FollowedCatalog(fileOf(relationCatalogOids.inheritance), source.inheritance);
  }

  /** Relations by their file, as they are committed. */
  byFile({ spcOid, dbOid, relNumber }: RelationFileId): RelationRow | null {
    if (dbOid !== this.#source.dbOid) return null;
    const oid = this.#oidByFile.get(`${spcOid}/${relNumber}`);
    return oid === undefined ? null : (this.#byOid.get(oid) ?? null);
  }

  byOid(oid: number): RelationRow | null {
    return this.#byOid.get(oid) ?? null;
  }

  /** The schema's name; its OID in words when it is not known. */
  schemaOf(row: RelationRow): string {
    return this.#namespaceNames.get(row.namespaceOid) ?? `schema ${row.namespaceOid}`;
  }

  find(schema: string, name: string): RelationRow | null {
    for (const row of this.#byOid.values()) {
      if (row.name === name && this.#namespaceNames.get(row.namespaceOid) === schema) return row;
    }
    return null;
  }

  /** Whether a relation is this one, a partition of it, or inherits from it, at any distance. */
  isWithin(oid: number, ancestorOid: number): boolean {
    let current: number | undefined = oid;
    for (let step = 0; current !== undefined && step < deepestInheritance; step++) {
      if (current === ancestorOid) return true;
      current = this.#parents.get(current);
    }
    return false;
  }

  /** WAL was left out: rows that are not told anew cannot be told by their place. */
  forgetPlaces(): void {
    for (const catalog of [this.#relations, this.#namespaces, this.#inheritance]) catalog.forgetPlaces();
  }

  /** Takes every record of the stretch, in order. */
  take(record: WalRecord): void {
    const { rmgr } = record;
    if (rmgr === resourceManagers.relationMap) this.#takeMap(record);
    if (rmgr !== resourceManagers.heap && rmgr !== resourceManagers.heap2 && rmgr !== resourceManagers.server) return;
    const file = record.blocks()[0];
    if (file === undefined || file.dbOid !== this.#source.dbOid || file.spcOid !== this.#source.spcOid) return;
    if (file.relNumber === this.#relations.relNumber) this.#takeRelation(record);
    else if (file.relNumber === this.#namespaces.relNumber)
      this.#later(record, this.#namespaces.take(record), "namespaces");
    else if (file.relNumber === this.#inheritance.relNumber)
      this.#later(record, this.#inheritance.take(record), "parents");
  }

  /** The transaction, with these subtransactions, is committed: what it did holds from here on. */
  commit(xids: readonly number[]): CommittedRelations {
    const dropped: RelationRow[] = [];
    const replaced: { before: RelationRow; after: RelationRow }[] = [];
    let unknownRows = 0;
    for (const xid of xids) {
      const pending = this.#pending.get(xid);
      if (pending === undefined) continue;
      this.#pending.delete(xid);
      unknownRows += pending.unknownRows;
      for (const columns of pending.namespaces) this.#setNamespace(columns);
      for (const columns of pending.parents) this.#setParent(columns);
      for (const [oid, after] of pending.relations) {
        const before = this.#byOid.get(oid);
        if (after === null && before !== undefined) dropped.push(before);
        if (after !== null && before !== undefined && isReplaced(before, after)) replaced.push({ before, after });
        this.#setRelation(after, oid);
      }
    }
    return { dropped, replaced, unknownRows };
  }

  abort(xids: readonly number[]): void {
    for (const xid of xids) this.#pending.delete(xid);
  }

  #takeRelation(record: WalRecord): void {
    const change = this.#relations.take(record);
    if (change === null) return;
    const pending = this.#pendingOf(record.xid);
    const after = change.after === null ? null : relationRowOf(change.after, this.#source.major);
    const before = change.before === null ? null : relationRowOf(change.before, this.#source.major);
    const oid = after?.oid ?? before?.oid;
    if (oid === undefined || (change.kind !== "delete" && after === null)) pending.unknownRows++;
    else pending.relations.set(oid, after);
  }

  #later(record: WalRecord, change: RowChange | null, where: "namespaces" | "parents"): void {
    if (change?.after != null) this.#pendingOf(record.xid)[where].push(change.after);
  }

  #takeMap(record: WalRecord): void {
    const map = decodeRelationMap(record);
    if (map === null || map.dbOid !== this.#source.dbOid) return;
    const file = mappedFileNumber(map.content, relationCatalogOids.relation);
    if (file === null || file === this.#relations.relNumber) return;
    // pg_class itself was rewritten (VACUUM FULL): its rows lie elsewhere.
    this.#relations.relNumber = file;
    this.#relations.forgetPlaces();
  }

  #pendingOf(xid: number): Pending {
    let pending = this.#pending.get(xid);
    if (pending === undefined) {
      pending = { relations: new Map(), namespaces: [], parents: [], unknownRows: 0 };
      this.#pending.set(xid, pending);
    }
    return pending;
  }

  #setRelation(row: RelationRow | null, oid = row?.oid ?? 0): void {
    const before = this.#byOid.get(oid);
    if (before !== undefined) this.#oidByFile.delete(this.#fileKey(before));
    if (row === null) {
      this.#byOid.delete(oid);
      return;
    }
    this.#byOid.set(oid, row);
    if (row.relNumber !== 0) this.#oidByFile.set(this.#fileKey(row), oid);
    // The catalogs that are followed may get another file themselves.
    if (oid === relationCatalogOids.namespace) this.#moved(this.#namespaces, row);
    if (oid === relationCatalogOids.inheritance) this.#moved(this.#inheritance, row);
  }

  #moved(catalog: FollowedCatalog | undefined, { relNumber }: RelationRow): void {
    if (catalog === undefined || catalog.relNumber === relNumber) return;
    catalog.relNumber = relNumber;
    catalog.forgetPlaces();
  }

  #fileKey({ spcOid, relNumber }: RelationRow): string {
    return `${spcOid === 0 ? this.#source.spcOid : spcOid}/${relNumber}`;
  }

  #setNamespace(columns: Uint8Array): void {
    const row = namespaceRowOf(columns);
    if (row !== null) this.#namespaceNames.set(row.oid, row.name);
  }

  #setParent(columns: Uint8Array): void {
    const row = inheritanceRowOf(columns);
    if (row !== null) this.#parents.set(row.childOid, row.parentOid);
  }
}

interface Pending {
  /** By OID; null: dropped. */
  readonly relations: Map<number, RelationRow | null>;
  readonly namespaces: Uint8Array[];
  readonly parents: Uint8Array[];
  unknownRows: number;
}

const deepestInheritance = 64;

function* visible(rows: readonly CatalogRow[]): Generator<Uint8Array> {
  for (const { columns, isVisible } of rows) if (isVisible) yield columns;
}

function isReplaced(before: RelationRow, after: RelationRow): boolean {
  return before.relNumber !== 0 && (before.relNumber !== after.relNumber || before.spcOid !== after.spcOid);
}
