import type { Lsn } from "../files/lsn.ts";

/** The answer to IDENTIFY_SYSTEM. */
export interface SystemIdentity {
  readonly systemIdentifier: bigint;
  readonly timeline: number;
  /** Flushed so far; on a standby the larger of received and replayed. */
  readonly flushLsn: Lsn;
}
