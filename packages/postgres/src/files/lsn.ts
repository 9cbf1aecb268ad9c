import { AppError } from "@tidemark/kit";

/** A position in the WAL in bytes since the cluster's beginning (unsigned 64 bit). */
export type Lsn = bigint & { readonly brand: "Lsn" };

/** The position before any WAL; PostgreSQL's InvalidXLogRecPtr. */
export const noLsn = 0n as Lsn;

/**
 * Reads `%X/%X`. Newer servers pad the second half with zeros (`0/0A000028`), older ones do not, so text forms must
 * never be compared.
 *
 * @throws AppError `bad-request` for anything else.
 */
export function parseLsn(text: string): Lsn {
  const match = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/.exec(text);
  if (match === null)
    throw new AppError("bad-request", { message: `"${text}" is not an LSN (two hex halves, as in 16/B374D848)` });
  return lsnFromHalves(Number.parseInt(match[1] as string, 16), Number.parseInt(match[2] as string, 16));
}

/** The form PostgreSQL 13–18 print: upper case, no padding. */
export function formatLsn(lsn: Lsn): string {
  const high = (lsn >> 32n).toString(16).toUpperCase();
  const low = (lsn & 0xffffffffn).toString(16).toUpperCase();
  return `${high}/${low}`;
}

/** An LSN out of a number that is known to be one (a pg_control field, an int8 column). */
export function toLsn(value: bigint): Lsn {
  return BigInt.asUintN(64, value) as Lsn;
}

/** An LSN from the two 32-bit halves page headers carry (high first). */
export function lsnFromHalves(high: number, low: number): Lsn {
  return ((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)) as Lsn;
}
