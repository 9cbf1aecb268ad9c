/** After so many incrementals every relation file has been asked for in full once: rot and missed WAL live no longer than that. */
export const trustRounds = 28;

/** The round of the backup after one of round `last`; null (none known) begins with the first. */
export function nextTrustRound(last: number | null): number {
  return last === null ? 0 : (last + 1) % trustRounds;
}

/** Whether a file's turn is in this round. It depends on the path alone, so that no file is passed over or comes twice. */
export function isDueInRound(path: Uint8Array, round: number): boolean {
  // FNV-1a, then the finalizer of MurmurHash3: paths that differ in one digit fall into different rounds.
  let hash = 0x811c9dc5;
  for (const byte of path) hash = Math.imul(hash ^ byte, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % trustRounds === round;
}
