/** A right that its holder has until `expiresAt` by the database's clock. A later holder has a higher fence. */
export interface HeldLease {
  readonly key: string;
  readonly fence: bigint;
  readonly expiresAt: Date;
}

export interface LeaseHolder {
  readonly key: string;
  readonly workerId: string;
  readonly runId: string | null;
  /** Kind of the run it is held for, for "waiting for backup run run_…". */
  readonly runKind: string | null;
  readonly fence: bigint;
  readonly acquiredAt: Date;
  readonly expiresAt: Date;
}

export interface LeaseRequest {
  readonly key: string;
  readonly workerId: string;
  readonly runId: string | null;
  readonly ttlMs: number;
}

/** Exclusive rights across workers, by database time only. Keys are free text (`server:<id>`, `repository:<id>:collect`). */
export interface LeaseStore {
  /** Null while somebody else (or another run of the same worker) holds it; an expired one is taken over with a higher fence. */
  acquire(request: LeaseRequest): Promise<HeldLease | null>;
  /** Throws `lease-lost` when it expired and was taken over, or was released. Extends an expired one that nobody took. */
  renew(lease: Pick<HeldLease, "key" | "fence">, ttlMs: number): Promise<HeldLease>;
  /** False when it was no longer ours. The fence stays, so that the next holder's is higher. */
  release(lease: Pick<HeldLease, "key" | "fence">): Promise<boolean>;
  /** Who holds it now, or null when free or expired. */
  holder(key: string): Promise<LeaseHolder | null>;
  /** Frees whatever a run held, when its worker is known to be dead. Gives how many. */
  releaseOfRun(runId: string): Promise<number>;
}
