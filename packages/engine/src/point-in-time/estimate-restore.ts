import { formatBytes, formatDuration } from "@tidemark/kit";

/** How long a restore would take, as a range, and what that is reckoned from. */
export interface RestoreEstimate {
  readonly lowMs: number;
  readonly highMs: number;
  readonly how: string;
}

export interface RestoreBytes {
  /** Files of the backup, as they are written. */
  readonly dataBytes: bigint;
  /** WAL that is replayed, the backup's own included. */
  readonly walBytes: bigint;
}

/** Reckoned from sizes alone: nobody knows the disk, the network and what the WAL does before it was tried. A drill measures it. */
export function estimateRestore({ dataBytes, walBytes }: RestoreBytes): RestoreEstimate {
  const lowMs = milliseconds(dataBytes, fetchRates.fast) + milliseconds(walBytes, replayRates.fast);
  const highMs = milliseconds(dataBytes, fetchRates.slow) + milliseconds(walBytes, replayRates.slow);
  const rate = ({ slow, fast }: Rates) => `${slow} to ${fast} MiB/s`;
  const how = `${formatDuration(lowMs)} to ${formatDuration(highMs)}, reckoned from sizes: ${formatBytes(dataBytes)} of files at ${rate(fetchRates)}, ${formatBytes(walBytes)} of WAL to replay at ${rate(replayRates)}; a drill measures it`;
  return { lowMs, highMs, how };
}

interface Rates {
  readonly slow: number;
  readonly fast: number;
}

function milliseconds(bytes: bigint, mibPerSecond: number): number {
  return Math.round((Number(bytes) / (mibPerSecond * 1_048_576)) * 1000);
}

/** MiB/s. A slow object store or disk, and the two cores of docs/performance.md with the repository on their own disk. */
const fetchRates: Rates = { slow: 30, fast: 350 };
/** MiB/s. Random pages from a slow disk, and WAL whose pages are in memory: a single process replays. */
const replayRates: Rates = { slow: 10, fast: 150 };
