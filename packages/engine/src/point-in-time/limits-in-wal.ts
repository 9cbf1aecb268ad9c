import { decodeParameterChange, higherLimits, type Lsn, type ServerLimits, WalReader } from "@tidemark/postgres";
import type { NeededSegment } from "./recovery-request.ts";

/**
 * Looks for the limits of the source that were raised after the backup: a server in recovery pauses (13: ends) where it
 * meets one that is above its own (xlogrecovery.c, RecoveryRequiresIntParameter). Fed with the segments as they are copied.
 */
export class LimitsInWal {
  readonly #major: number;
  #reader: WalReader | null = null;
  #timeline = 0;
  #highest: ServerLimits | null = null;

  constructor(major: number) {
    this.#major = major;
  }

  /** The highest of each that was met; null: nobody changed them. */
  get highest(): ServerLimits | null {
    return this.#highest;
  }

  /** A segment begins; one that does not follow the last is read from its first whole record on. */
  begin({ timeline, startLsn, sizeBytes }: NeededSegment): void {
    const follows = this.#reader?.position === (startLsn as Lsn) && this.#timeline === timeline;
    if (follows && this.#reader?.end === null) return;
    this.#timeline = timeline;
    this.#reader = new WalReader({ major: this.#major, segmentSizeBytes: sizeBytes, startLsn, checkCrc: false });
  }

  push(bytes: Uint8Array): void {
    for (const record of this.#reader?.push(bytes) ?? []) {
      const change = decodeParameterChange(record);
      if (change === null) continue;
      this.#highest = higherLimits(change, this.#highest);
    }
  }
}

/** Whether one of them is above its counterpart. */
export function exceedsLimits(limits: ServerLimits, others: ServerLimits): boolean {
  return (
    limits.maxConnections > others.maxConnections ||
    limits.maxWorkerProcesses > others.maxWorkerProcesses ||
    limits.maxWalSenders > others.maxWalSenders ||
    limits.maxPreparedTransactions > others.maxPreparedTransactions ||
    limits.maxLocksPerTransaction > others.maxLocksPerTransaction
  );
}
