/** XLogRecord (src/include/access/xlogrecord.h): length, xid, previous record, info, manager, two of padding, CRC. */
export const recordHeaderBytes = 24;

/** XLogRecordMaxSize is 1020 MiB from 16 on; before, a record had to fit into one allocation. */
const maxRecordBytes = 0x3fff_ffff;

/**
 * Why the 24 bytes at `at` are not the header of the record that begins at `start`, after the one that began at `last`
 * (`lastHigh` -1: unknown); null when they may be.
 */
export function recordProblem(
  view: DataView,
  at: number,
  lastRmgr: number,
  lastHigh: number,
  lastLow: number,
  startHigh: number,
  startLow: number,
): string | null {
  const total = view.getUint32(at, true);
  if (total === 0) return "there is no record";
  if (total < recordHeaderBytes || total > maxRecordBytes) return "a record has an impossible length";
  const rmgr = view.getUint8(at + 17);
  if (rmgr > 21 && (rmgr < 128 || rmgr > lastRmgr)) return "a record has an unknown resource manager";
  const low = view.getUint32(at + 8, true);
  const high = view.getUint32(at + 12, true);
  if (lastHigh >= 0)
    return low === lastLow && high === lastHigh ? null : "a record does not point back to the one before";
  return high < startHigh || (high === startHigh && low < startLow) ? null : "a record points back to a later one";
}
