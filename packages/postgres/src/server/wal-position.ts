import { AppError } from "@tidemark/kit";
import { type Lsn, parseLsn } from "../files/lsn.ts";
import { walSegmentName } from "../files/wal-segment.ts";
import type { Asker } from "./asker.ts";
import { instantOf, msOf } from "./column-values.ts";

/** How far the WAL has come. */
export interface WalPosition {
  /** A primary: written so far. A standby: replayed so far. */
  readonly lsn: Lsn;
  /** The segment that holds the last byte before `lsn`. Null on a standby, where a replayed position has no name. */
  readonly fileName: string | null;
  /** How many bytes of `fileName` come before `lsn`: 1 … segment size. Null on a standby. */
  readonly fileOffset: number | null;
  /** The timeline that is written. Null on a standby. */
  readonly timeline: number | null;
  /** By the server's clock. */
  readonly at: Date;
}

/**
 * The current position. Null on a standby that has replayed nothing yet.
 *
 * On a segment boundary pg_walfile_name() names the previous segment up to 16 and the next one from 17
 * (xlogfuncs.c: XLByteToPrevSeg became XLByteToSeg; release notes of 17). Here it is the previous one on every major,
 * and the offset its whole size: that file is complete, and the next one need not exist.
 *
 * Needs: any login.
 */
export async function readWalPosition(asker: Asker): Promise<WalPosition | null> {
  const [row] = await asker.query<PositionRow>(question);
  if (row === undefined) throw new AppError("protocol-violation", { message: "the server gave no WAL position" });
  if (row.lsn === null) return null;
  const lsn = parseLsn(row.lsn);
  const at = instantOf(row.at_ms) ?? new Date(0);
  if (row.name === null) return { lsn, fileName: null, fileOffset: null, timeline: null, at };
  // The first eight digits of any segment's name (xlog_internal.h, XLogFileName).
  const timeline = Number.parseInt(row.name.slice(0, 8), 16);
  return { lsn, ...walFileBefore(lsn, timeline, Number(row.segment_size)), timeline, at };
}

/** The segment that holds the last byte before `lsn`, and how many of its bytes come before it. */
export function walFileBefore(
  lsn: Lsn,
  timeline: number,
  segmentSizeBytes: number,
): { readonly fileName: string; readonly fileOffset: number } {
  const within = Number(lsn % BigInt(segmentSizeBytes));
  const last = (lsn === 0n ? lsn : lsn - 1n) as Lsn;
  return {
    fileName: walSegmentName(timeline, last, segmentSizeBytes),
    fileOffset: within === 0 && lsn !== 0n ? segmentSizeBytes : within,
  };
}

interface PositionRow {
  readonly lsn: string | null;
  readonly name: string | null;
  readonly segment_size: string;
  readonly at_ms: number;
}

/** pg_walfile_name() is an error in recovery, so it stands behind the CASE; the position is asked for once only. */
const question = `
  SELECT p.lsn::text AS lsn,
         CASE WHEN p.in_recovery THEN NULL ELSE pg_catalog.pg_walfile_name(p.lsn) END AS name,
         pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size'))::text AS segment_size,
         ${msOf("pg_catalog.clock_timestamp()")} AS at_ms
    FROM (SELECT r.in_recovery,
                 CASE WHEN r.in_recovery THEN pg_catalog.pg_last_wal_replay_lsn()
                      ELSE pg_catalog.pg_current_wal_lsn() END AS lsn
            FROM (SELECT pg_catalog.pg_is_in_recovery() AS in_recovery OFFSET 0) r OFFSET 0) p`;
