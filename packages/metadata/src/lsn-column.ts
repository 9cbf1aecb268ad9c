/**
 * LSNs are unsigned 64-bit and PostgreSQL's BIGINT is signed: the bits are kept as they are. Lossless over the whole
 * range; nothing sorts or compares LSNs in SQL.
 */
export function lsnToColumn(lsn: bigint): bigint;
export function lsnToColumn(lsn: bigint | null): bigint | null;
export function lsnToColumn(lsn: bigint | null): bigint | null {
  return lsn === null ? null : BigInt.asIntN(64, lsn);
}

export function lsnFromColumn(column: bigint | null): bigint | null {
  return column === null ? null : BigInt.asUintN(64, column);
}
