import type { Lsn } from "../files/lsn.ts";

/** How the image of a page is compressed in a record (wal_compression; lz4 and zstd from 15). */
export type ImageCompression = "none" | "pglz" | "lz4" | "zstd";

/** A page that a record refers to. */
export interface WalBlock {
  /** Its number in the record, 0 to 32. */
  readonly id: number;
  readonly spcOid: number;
  readonly dbOid: number;
  readonly relNumber: number;
  /** 0 main, 1 free space map, 2 visibility map, 3 init (src/include/common/relpath.h). */
  readonly fork: number;
  readonly block: number;
  /** The page begins anew in this record. */
  readonly willInit: boolean;
  readonly image: WalBlockImage | null;
  /** What the record says of this page beside the image; empty when nothing. */
  readonly data: Uint8Array;
}

/** A page as it was when the record was written, without its hole. */
export interface WalBlockImage {
  /** As they lie in the record: compressed unless `compression` is "none". */
  readonly bytes: Uint8Array;
  readonly compression: ImageCompression;
  /** The run of zeros that was left out, in bytes from the page's beginning. */
  readonly holeOffset: number;
  readonly holeBytes: number;
  /** False for images that are only there to be compared (wal_consistency_checking). */
  readonly isApplied: boolean;
}

/** What lies behind a record's header. */
export interface WalRecordBody {
  readonly blocks: readonly WalBlock[];
  readonly mainData: Uint8Array;
  /** Replication origin; null when there is none. */
  readonly originId: number | null;
  /** The top-level transaction of a subtransaction's record (14+, wal_level logical); null when not said. */
  readonly topXid: number | null;
}

/** A record of the WAL. Its parts may be views of the bytes that were pushed. */
export interface WalRecord {
  /** Its first byte. */
  readonly lsn: Lsn;
  /** Where the next record may begin (8-byte aligned; an XLOG_SWITCH reaches to the end of its segment). */
  readonly endLsn: Lsn;
  readonly prevLsn: Lsn;
  /** 0 when it belongs to no transaction. */
  readonly xid: number;
  /** Number of the resource manager; `rmgrName` gives its name. */
  readonly rmgr: number;
  /** The resource manager's own bits and, in the lower four, those of the WAL itself. */
  readonly info: number;
  /** Length from `xl_tot_len`: header, block references, images, data; no page headers, no padding. */
  readonly totalBytes: number;
  readonly crc: number;
  /** @throws AppError `wal-damaged` when the lengths inside do not add up. */
  body(): WalRecordBody;
  /** @throws AppError `wal-damaged` as `body`. */
  blocks(): readonly WalBlock[];
}
