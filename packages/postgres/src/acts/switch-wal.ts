import { type Lsn, parseLsn, toLsn } from "../files/lsn.ts";
import { walSegmentName, walSegmentStart } from "../files/wal-segment.ts";
import type { SqlSession } from "../session/sql-session.ts";
import { type ActOptions, act, onlyRow } from "./act-outcome.ts";

export interface WalSwitch {
  /** The segment that was closed; null when nothing had been written since the last switch, and nothing was switched. */
  readonly closedFile: string | null;
  /** What pg_switch_wal answered: the end of the switch record, or the start of the segment still empty. */
  readonly lsn: Lsn;
  readonly timeline: number;
}

/**
 * Closes the WAL segment in use, so that it can be archived, and says which it was.
 *
 * Privilege: EXECUTE on `pg_switch_wal()`.
 *
 * @throws AppError `server-in-recovery` on a standby, `privilege-missing`.
 */
export async function switchWal(session: SqlSession, options: ActOptions = {}): Promise<WalSwitch> {
  const rows = await act("switching WAL", () => session.query<SwitchRow>(switchQuestion, [], options));
  const row = onlyRow(rows, "the WAL switch");
  const lsn = parseLsn(row.lsn);
  const timeline = Number.parseInt(row.timeline, 16);
  return { closedFile: closedSegment(lsn, timeline, Number(row.segment_size)), lsn, timeline };
}

/**
 * The segment closed by a switch that answered `lsn`, without pg_walfile_name: at a segment's first byte that names the
 * segment before up to 16 and the segment itself from 17.
 *
 * xlog.c: ReserveXLogSwitch inserts nothing at a segment's first byte and answers that byte. Else XLogInsertRecord
 * answers the end of the switch record; one that ends exactly with its segment is answered as the first byte after the
 * next segment's header (SizeOfXLogLongPHD, 40). No switch record can end so early in its own segment. Seen on 18.4 with
 * a WAL filled to 24 bytes before a segment's end; its WAL writer panics over that position soon after ("xlog write
 * request … is past end of log") and the server recovers by itself, so no test provokes it.
 */
export function closedSegment(lsn: Lsn, timeline: number, segmentSizeBytes: number): string | null {
  const offset = lsn - walSegmentStart(lsn, segmentSizeBytes);
  if (offset === 0n) return null;
  const inside = offset <= longHeaderBytes ? toLsn(lsn - longHeaderBytes - 1n) : lsn;
  return walSegmentName(timeline, inside, segmentSizeBytes);
}

const longHeaderBytes = 40n;

interface SwitchRow {
  readonly lsn: string;
  /** The first 8 digits of the name, which are the timeline on every major. */
  readonly timeline: string;
  readonly segment_size: string;
}

const switchQuestion = `
  SELECT lsn::text AS lsn,
         pg_catalog.left(pg_catalog.pg_walfile_name(lsn), 8) AS timeline,
         pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size'))::text AS segment_size
    FROM pg_catalog.pg_switch_wal() AS lsn`;
