import { type Lsn, parseLsn } from "../files/lsn.ts";

/** An LSN column cast to text. */
export function lsnOf(text: string | null): Lsn | null {
  return text === null ? null : parseLsn(text);
}

/** A count of bytes cast to text; never below 0, where the two positions it lies between were not read at once. */
export function bytesOf(text: string | null): bigint | null {
  if (text === null) return null;
  const bytes = BigInt(text);
  return bytes < 0n ? 0n : bytes;
}
