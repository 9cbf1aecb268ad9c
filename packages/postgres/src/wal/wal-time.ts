/** 2000-01-01 UTC, where PostgreSQL's timestamps begin (src/include/datatype/timestamp.h), in milliseconds of Unix time. */
const postgresEpochMs = 946_684_800_000;

/** A TimestampTz (microseconds since 2000-01-01 UTC) in whole milliseconds, rounded down. */
export function dateOfTimestamp(micros: bigint): Date {
  return new Date(Math.floor(Number(micros) / 1000) + postgresEpochMs);
}

/** A TimestampTz in microseconds of Unix time. */
export function unixMicrosOf(micros: bigint): bigint {
  return micros + BigInt(postgresEpochMs) * 1000n;
}
