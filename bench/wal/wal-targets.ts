import type { WalSample, WalStep } from "./wal-sample.ts";

/** A ratio of medians we want to stay below, or above. */
export interface WalTarget {
  readonly what: string;
  readonly step: WalStep;
  readonly ours: string;
  readonly theirs: string;
  readonly limit: number;
  /** `rate`: segments per second, ours beside theirs, at least so many; else at most so much. */
  readonly figure: "time" | "latency" | "rate";
}

const receivewal = "pg_receivewal";

export const walTargets: readonly WalTarget[] = [
  {
    what: "streaming, stored plain",
    step: "stream",
    ours: "tidemark none",
    theirs: receivewal,
    figure: "time",
    limit: 1.2,
  },
  {
    what: "streaming, zstd 1",
    step: "stream",
    ours: "tidemark zstd:1",
    theirs: "pg_receivewal lz4",
    figure: "time",
    limit: 0.8,
  },
  {
    what: "push through the agent, plain",
    step: "archive",
    ours: "tidemark push none",
    theirs: "Barman's cp; sync; mv",
    figure: "time",
    limit: 1.0,
  },
  {
    what: "push through the agent, zstd 1",
    step: "archive",
    ours: "tidemark push zstd:1",
    theirs: "pgBackRest async zst",
    figure: "time",
    limit: 0.7,
  },
  {
    what: "archive module, plain",
    step: "archive",
    ours: "tidemark module none",
    theirs: "tidemark push none",
    figure: "rate",
    limit: 1.5,
  },
  {
    what: "archive module, zstd 1",
    step: "archive",
    ours: "tidemark module zstd:1",
    theirs: "tidemark push zstd:1",
    figure: "rate",
    limit: 1.5,
  },
  {
    what: "recovery, fetched with prefetch, plain",
    step: "recovery",
    ours: "tidemark fetch none",
    theirs: "cp",
    figure: "rate",
    limit: 0.9,
  },
  {
    what: "recovery, fetched with prefetch, zstd 1",
    step: "recovery",
    ours: "tidemark fetch zstd:1",
    theirs: "cp",
    figure: "rate",
    limit: 0.9,
  },
  {
    what: "commit, synchronous standby, plain",
    step: "commit",
    ours: "tidemark none",
    theirs: "pg_receivewal --synchronous",
    figure: "latency",
    limit: 1.3,
  },
  {
    what: "commit, synchronous standby, zstd 1",
    step: "commit",
    ours: "tidemark zstd:1",
    theirs: "pg_receivewal --synchronous",
    figure: "latency",
    limit: 1.3,
  },
];

/** Of one receiver that is behind, in a process of its own; and of each further one that is behind at the same time. */
export const receiverLimitBytes = 120 * 1024 ** 2;
export const furtherReceiverLimitBytes = 8 * 1024 ** 2;

export function figureOf(sample: WalSample, figure: WalTarget["figure"]): number {
  if (figure === "latency") return sample.latencyMs ?? Number.NaN;
  const seconds = sample.wallSeconds + sample.syncSeconds;
  return figure === "time" ? seconds / sample.segments : sample.segments / seconds;
}
