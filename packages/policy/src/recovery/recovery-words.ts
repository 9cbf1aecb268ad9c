import type { RecoveryInstant } from "./recovery-types.ts";

/** A place in the WAL as PostgreSQL writes it. */
export function lsnText(lsn: bigint): string {
  return `${(lsn >> 32n).toString(16).toUpperCase()}/${(lsn & 0xffff_ffffn).toString(16).toUpperCase()}`;
}

export function timeText(at: Date): string {
  return `${at.toISOString().replace("T", " ").replace("Z", "")} UTC`;
}

/** An instant in the words of whoever asked for a time or for a place. */
export function instantText({ timeline, lsn, at }: RecoveryInstant): string {
  const place = `${lsnText(lsn)} on timeline ${timeline}`;
  return at === null ? place : `${timeText(at)} (${place})`;
}
