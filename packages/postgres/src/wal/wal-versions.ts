import { capabilitiesOf } from "../session/capabilities.ts";

/** What differs in the WAL between the majors we read, as facts. */
export interface WalVersion {
  readonly major: number;
  /** XLOG_PAGE_MAGIC (src/include/access/xlog_internal.h). */
  readonly magic: number;
  /** Bits of `bimg_info` (src/include/access/xlogrecord.h): how a page's image lies in a record. */
  readonly image: ImageBits;
  /** Info bits of the database manager's records (src/include/commands/dbcommands_xlog.h); null: no such record. */
  readonly database: { readonly createFileCopy: number; readonly createWalLog: number | null; readonly drop: number };
  /** Bytes of one dropped statistics entry in a transaction's end (xl_xact_stats_item, xact.h); 0: there are none. */
  readonly droppedStatsBytes: number;
  /** Counts of statistics entries stand in the header of a prepared transaction (15+, xl_xact_prepare). */
  readonly preparedHasStats: boolean;
  /** What Heap2's operations are called, by bits 4 to 6 of the info (src/include/access/heapam_xlog.h). */
  readonly heap2: readonly string[];
  /** Bytes that pg_class has before relkind (src/include/catalog/pg_class.h). */
  readonly relkindOffset: number;
  /** CHECKPOINT_REDO exists. */
  readonly hasCheckpointRedo: boolean;
}

interface ImageBits {
  readonly hasHole: number;
  readonly apply: number;
  readonly pglz: number;
  readonly lz4: number;
  readonly zstd: number;
}

/**
 * @throws AppError `version-unsupported` outside 13 … 18.
 */
export function walVersionOf(major: number): WalVersion {
  return byMajor.get(capabilitiesOf(major).major) as WalVersion;
}

/** The magic of a major's WAL pages. */
export function walMagicOf(major: number): number {
  return walVersionOf(major).magic;
}

/** 15 made room for two more ways of compressing and moved the bits. */
const imageUntil14: ImageBits = { hasHole: 1, apply: 4, pglz: 2, lz4: 0, zstd: 0 };
const imageFrom15: ImageBits = { hasHole: 1, apply: 2, pglz: 4, lz4: 8, zstd: 16 };
const databaseUntil14 = { createFileCopy: 0x00, createWalLog: null, drop: 0x10 } as const;
const databaseFrom15 = { createFileCopy: 0x00, createWalLog: 0x10, drop: 0x20 } as const;
const heap2Of13 = [
  "REWRITE",
  "CLEAN",
  "FREEZE_PAGE",
  "CLEANUP_INFO",
  "VISIBLE",
  "MULTI_INSERT",
  "LOCK_UPDATED",
  "NEW_CID",
];
const heap2Of14 = ["REWRITE", "PRUNE", "VACUUM", "FREEZE_PAGE", "VISIBLE", "MULTI_INSERT", "LOCK_UPDATED", "NEW_CID"];
const heap2Of17 = [
  ...["REWRITE", "PRUNE_ON_ACCESS", "PRUNE_VACUUM_SCAN", "PRUNE_VACUUM_CLEANUP"],
  ...["VISIBLE", "MULTI_INSERT", "LOCK_UPDATED", "NEW_CID"],
];

const until14 = {
  image: imageUntil14,
  database: databaseUntil14,
  droppedStatsBytes: 0,
  preparedHasStats: false,
  relkindOffset: 115,
  hasCheckpointRedo: false,
} as const;
const from15 = {
  image: imageFrom15,
  database: databaseFrom15,
  droppedStatsBytes: 12,
  preparedHasStats: true,
  relkindOffset: 115,
  hasCheckpointRedo: false,
} as const;

const byMajor: ReadonlyMap<number, WalVersion> = new Map<number, WalVersion>([
  [13, { major: 13, magic: 0xd106, ...until14, heap2: heap2Of13 }],
  [14, { major: 14, magic: 0xd10d, ...until14, heap2: heap2Of14 }],
  [15, { major: 15, magic: 0xd110, ...from15, heap2: heap2Of14 }],
  [16, { major: 16, magic: 0xd113, ...from15, heap2: heap2Of14 }],
  [17, { major: 17, magic: 0xd116, ...from15, heap2: heap2Of17, hasCheckpointRedo: true }],
  // 18: statistics have 64-bit object ids; pg_class got relallfrozen.
  [
    18,
    {
      ...{ major: 18, magic: 0xd118, ...from15, heap2: heap2Of17, hasCheckpointRedo: true },
      ...{ droppedStatsBytes: 16, relkindOffset: 119 },
    },
  ],
]);
